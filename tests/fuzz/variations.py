"""A drawn document in another form: other fields and arguments, variables, fragments, directives, damaged text.

hypothesis-graphql gives every argument that a field has, always as a literal, mostly with values that mean nothing:
asked as they are, most of its documents end at the first argument. So each is also asked in forms in which arguments
are left out or mean something in the history, with fields that it draws seldom, and with what it never draws.
"""

import random
from typing import Any

from graphql import (
    BooleanValueNode,
    DocumentNode,
    EnumValueNode,
    FieldNode,
    FloatValueNode,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    StringValueNode,
    get_named_type,
    is_leaf_type,
    is_required_argument,
    value_from_ast_untyped,
)

from tests.equality.gateways import GRAPHQL_RESPONSE, JSON, Request
from tests.equality.values import Values
from tests.fuzz.scalars import to_literal

_LEFT_OUT = 0.6
_DROPPED = 0.5
_LITERAL, _KNOWN, _VARIABLE = 0.4, 0.85, 0.93
"""Below which chance an argument stays as drawn, is a known value, the drawn one as a variable; else a wrong one."""
_MEMBER_AS_VARIABLE = 0.04
_GROWN, _GROWN_ON = 0.22, 0.7
"""How often a selection gets fields of which nothing was drawn, and how often these get some below them."""
_MOST_PLAIN = 4
_DAMAGED = 0.1
_DIRECTED = 0.08
_ALIASED = 0.05
_WRONG: tuple[Any, ...] = (
    *(None, "spoilt", "", "\x00", "\U0001f600" * 300, -1, 1.5, 10**30, 1e300, True),
    *([], [[]], [None], {}, {"spoilt": 1}),
)
_ODD_TEXTS = (
    *('"', '"""', "{", "}", "(", ")", "[", "$", "...", "@", "#", "\x00", "\\u", "\ufeff", "\ud800", "😀", "{" * 5000),
    *("query", "fragment", "subscription", "on", "null", "__typename", "1e400", "...A", "@defer", "(first: [" * 300),
)
_WRONG_DIRECTIVES = (" @unknown", " @skip", " @include(if: null)", " @defer", " @oneOf", ' @skip(if: "a")')
_LEVELS = (1, 2, 5, 30, 300)


class FormMaker:
    """Draws one form of a document."""

    def __init__(self, schema: GraphQLSchema, chance: random.Random) -> None:
        self._schema = schema
        self._chance = chance
        self._values = Values(chance, new_events=True)
        self._declared: list[str] = []
        self._given: dict[str, Any] = {}
        self._fragments: list[str] = []
        self.asked: set[str] = set()
        """Which fields the document has, as `Type.field`, before its text was damaged."""

    def make(self, document: DocumentNode) -> Request:
        """Give the document in a new form."""
        chance = self._chance
        (operation,) = document.definitions
        assert isinstance(operation, OperationDefinitionNode)
        root = self._schema.get_root_type(operation.operation)
        assert root is not None
        text = self._selection_set(operation.selection_set, root)
        declared = f"({', '.join(self._declared)})" if self._declared else ""
        parts = [f"{operation.operation.value} Main{declared} {text}", *self._fragments]
        chance.shuffle(parts)
        text = "\n".join(parts)
        if chance.random() < _DAMAGED:
            text = self._damaged(text)
        name = chance.choice(("Main", "Main", "Nothing", "")) if chance.random() < 0.1 else None
        return Request(text, self._given or None, name, GRAPHQL_RESPONSE if chance.random() < 0.8 else JSON)

    def _selection_set(self, node: SelectionSetNode, type_: GraphQLNamedType) -> str:
        chance = self._chance
        kept = [each for each in node.selections if chance.random() > _DROPPED] or [chance.choice(node.selections)]
        texts = [self._selection(each, type_) for each in kept]
        if chance.random() < _GROWN:
            texts += self._grown(type_)
        text = " ".join(texts)
        form = chance.random()
        if form < 0.05:
            text = f"...{self._directive()} {{ {text} }}"
        elif form < 0.12:
            name = f"F{len(self._fragments)}"
            self._fragments.append(f"fragment {name} on {type_.name} {{ {text} }}")
            text = f"...{name}{self._directive()}"
        elif form < 0.16:
            text = self._deeper(text, type_)
        return f"{{ {text} }}"

    def _selection(self, node: Any, type_: GraphQLNamedType) -> str:
        match node:
            case FieldNode():
                return self._field(node, type_)
            case InlineFragmentNode():
                within = self._schema.type_map[node.type_condition.name.value] if node.type_condition else type_
                return f"... on {within.name}{self._directive()} {self._selection_set(node.selection_set, within)}"
        raise TypeError(f"hypothesis-graphql draws {node.kind} now")

    def _field(self, node: FieldNode, parent: GraphQLNamedType) -> str:
        name = node.name.value
        field: GraphQLField = parent.fields[name]  # type: ignore[attr-defined]
        self.asked.add(f"{parent.name}.{name}")
        alias = f"{node.alias.value}: " if node.alias else ""
        if self._chance.random() < _ALIASED:
            alias = self._chance.choice((f"{name}_: ", "id: ", "__a: ", "a: "))
        head = f"{alias}{name}{self._arguments(node, field)}{self._directive()}"
        if node.selection_set is None:
            return head
        return f"{head} {self._selection_set(node.selection_set, get_named_type(field.type))}"

    def _grown(self, type_: GraphQLNamedType) -> list[str]:
        """Give some plain fields of a type, and one that has fields of its own."""
        fields: dict[str, GraphQLField] = getattr(type_, "fields", {})
        plain = [name for name, field in fields.items() if not field.args and is_leaf_type(get_named_type(field.type))]
        plain = self._chance.sample(plain, min(len(plain), _MOST_PLAIN))
        nested = [name for name, field in fields.items() if not is_leaf_type(get_named_type(field.type))]
        self.asked |= {f"{type_.name}.{name}" for name in plain}
        texts = ["__typename", *plain]
        if nested and self._chance.random() < _GROWN_ON:
            name = self._chance.choice(nested)
            self.asked.add(f"{type_.name}.{name}")
            within = get_named_type(fields[name].type)
            arguments = self._known_arguments(fields[name])
            texts.append(f"{name}__: {name}{arguments} {{ {' '.join(self._grown(within))} }}")
        return texts

    def _known_arguments(self, field: GraphQLField) -> str:
        texts = [
            f"{name}: {self._variable(argument.type, self._known(argument.type, name, field))}"
            for name, argument in field.args.items()
            if is_required_argument(argument) or self._chance.random() < 0.15
        ]
        return f"({', '.join(texts)})" if texts else ""

    def _known(self, type_: Any, name: str, field: GraphQLField) -> Any:
        """Draw a value that means something in the history."""
        if name in ("after", "before"):
            order = self._chance.choice(("NEWEST_FIRST", "OLDEST_FIRST"))
            return self._values.draw_cursor(get_named_type(field.type).name, order)
        return self._values.draw(type_, name)

    def _deeper(self, text: str, type_: GraphQLNamedType) -> str:
        """Put a selection below fields that lead back to its own type."""
        fields: dict[str, GraphQLField] = getattr(type_, "fields", {})
        around = [name for name, field in fields.items() if get_named_type(field.type) is type_]
        if not around:
            return f"{text} __typename"
        levels = self._chance.choice(_LEVELS)
        return f"{f'{self._chance.choice(around)} {{ ' * levels}{text}{' }' * levels}"

    def _arguments(self, node: FieldNode, field: GraphQLField) -> str:
        drawn = {argument.name.value: argument.value for argument in node.arguments or ()}
        texts: list[str] = []
        for name, argument in field.args.items():
            if name in drawn and (is_required_argument(argument) or self._chance.random() > _LEFT_OUT):
                texts.append(f"{name}: {self._value(drawn[name], argument.type, name, field)}")
        return f"({', '.join(texts)})" if texts else ""

    def _value(self, drawn: Any, type_: Any, name: str, field: GraphQLField) -> str:
        kind = self._chance.random()
        if kind < _LITERAL:
            return self._literal(drawn, type_)
        if kind < _KNOWN:
            return self._variable(type_, self._known(type_, name, field))
        return self._variable(type_, value_from_ast_untyped(drawn) if kind < _VARIABLE else self._chance.choice(_WRONG))

    def _variable(self, type_: Any, value: Any) -> str:
        name = f"v{len(self._declared)}"
        self._declared.append(f"${name}: {type_}")
        self._given[name] = value
        return f"${name}"

    def _literal(self, node: Any, type_: Any) -> str:
        """Write a drawn value; members of input objects become variables now and then."""
        named = get_named_type(type_)
        match node:
            case StringValueNode():
                return to_literal(node.value)
            case IntValueNode() | FloatValueNode() | EnumValueNode():
                return node.value
            case BooleanValueNode():
                return "true" if node.value else "false"
            case ListValueNode():
                return f"[{', '.join(self._literal(each, type_) for each in node.values)}]"
            case ObjectValueNode():
                return f"{{{', '.join(self._member(each, named) for each in node.fields)}}}"
        return "null"

    def _member(self, node: Any, within: Any) -> str:
        name = node.name.value
        field = within.fields.get(name) if isinstance(within, GraphQLInputObjectType) else None
        if field is not None and self._chance.random() < _MEMBER_AS_VARIABLE:
            # The only member of its object may not be null.
            type_ = GraphQLNonNull(field.type) if within.is_one_of else field.type
            return f"{name}: {self._variable(type_, self._values.draw(type_, name))}"
        return f"{name}: {self._literal(node.value, field.type if field else None)}"

    def _directive(self) -> str:
        chance = self._chance
        if chance.random() > _DIRECTED:
            return ""
        if chance.random() < 0.1:
            return chance.choice(_WRONG_DIRECTIVES)
        names = ("skip", "include", "include", "include")
        condition = chance.choice(("true", "false", "$"))
        if condition == "$":
            condition = self._variable("Boolean!", chance.choice((True, True, True, False, None)))
        return f" @{chance.choice(names)}(if: {condition})"

    def _damaged(self, text: str) -> str:
        chance = self._chance
        start = chance.randrange(len(text))
        end = min(len(text), start + chance.choice((1, 1, 3, 20, 200)))
        kind = chance.randrange(4)
        if kind == 0:
            return text[:start]
        if kind == 1:
            return text[:start] + text[end:]
        if kind == 2:
            return text[:end] + text[start:]
        return text[:start] + chance.choice(_ODD_TEXTS) + text[start:]
