"""Random valid documents, drawn from the schema as it is built: what it gains is asked for without a change here."""

import random
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLNamedType,
    GraphQLSchema,
    get_named_type,
    is_abstract_type,
    is_interface_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)

from tests.equality.arguments import ABSENT, ArgumentMaker, Definition
from tests.equality.gateways import GRAPHQL_RESPONSE, JSON, Request
from tests.equality.scopes import Scope, Use

_FIELDS = 9
"""How many fields with something below them a document has at most, roughly."""
_DEPTH = 8
_VALUES, _VALUES_WEIGHTS = (20, 60, 600), (75, 21, 4)
"""How many values of one field an answer has, roughly, and how often."""
_BESIDE = 0.35
"""How many fields that come again have a response key of their own."""
_SPOILT = 0.03
"""How many requests have a variable that is not what it was declared to be."""
_WIDE = 0.3
"""In how many documents all plain fields of some type are asked for."""
_WIDE_FIELDS = 9
_MOST_PAGES = 6
"""In lists that are longer no page is asked for: each would cost a statement of its own."""
_ITEMS = 3
ANSWERED_ALIKE = frozenset({"ingestEvents"})
"""The mutations that are drawn: others answer with ids and times of their own, and change what both executors read."""
_META = (
    '__type(name: "Event") { __typename name fields { name type { kind ofType { name } } } }',
    '__type(name: "Nothing") { name }',
    '__type(name: "EventOrder") { enumValues { name } possibleTypes { name } }',
    "__schema { queryType { name } directives { name args { name defaultValue } } }",
)


@dataclass(frozen=True)
class Document:
    """A document, and the requests with it: one, or several with other values of its variables."""

    text: str
    requests: list[Request]


@dataclass(frozen=True)
class _Fragment:
    name: str
    type: GraphQLNamedType
    scope: Scope
    text: str
    definition: Definition
    most: int


@dataclass(frozen=True)
class _Place:
    """Where a selection stands: its type, what is in its response object, how deep and in how many objects."""

    type: GraphQLNamedType
    scope: Scope
    depth: int
    times: int

    def of(self, type_: GraphQLNamedType) -> "_Place":
        return _Place(type_, self.scope, self.depth, self.times)


class DocumentMaker:
    """Draws one document."""

    def __init__(self, schema: GraphQLSchema, chance: random.Random, *, new_events: bool = True) -> None:
        self.asked: set[str] = set()
        """Which fields the document has, as `Type.field`."""
        self._schema = schema
        self._chance = chance
        self._arguments = ArgumentMaker(chance, new_events=new_events)
        self._fragments: dict[str, _Fragment] = {}
        self._reached: dict[str, int] = {}
        self._fields_left = chance.randrange(2, _FIELDS)
        self._wide_left = 1 if chance.random() < _WIDE else 0
        (self._values,) = chance.choices(_VALUES, _VALUES_WEIGHTS)

    def make(self) -> Document:
        """Draw the document and its requests."""
        chance = self._chance
        count = 2 if chance.random() < 0.08 else 1
        is_mutation = chance.random() < 0.07
        definitions = {name: self._operation(is_mutation) for name in ("Main", "Other")[:count]}
        used = set().union(*(self._closure(definition).fragments for definition, _ in definitions.values()))
        fragments = [each.text for name, each in self._fragments.items() if name in used]
        is_anonymous = count == 1 and chance.random() < 0.5
        operations = [
            self._head("mutation" if is_mutation else "query", None if is_anonymous else name, definition) + text
            for name, (definition, text) in definitions.items()
        ]
        parts = [*operations, *fragments]
        chance.shuffle(parts)
        text = "\n".join(parts)
        repeats = 1 if is_mutation or chance.random() < 0.7 else chance.choice((2, 3))
        return Document(text, [self._request(text, definitions, is_anonymous) for _ in range(repeats)])

    def _request(self, text: str, definitions: dict[str, tuple[Definition, str]], is_anonymous: bool) -> Request:
        chance = self._chance
        name = chance.choice(list(definitions))
        drawn = {
            variable: self._arguments.variables[variable].draw()
            for variable in sorted(self._closure(definitions[name][0]).variables)
        }
        variables: dict[str, Any] = {key: value for key, value in drawn.items() if value is not ABSENT}
        if drawn and chance.random() < _SPOILT:
            self._spoil(variables, chance.choice(list(drawn)))
        is_named = len(definitions) > 1 or (not is_anonymous and chance.random() < 0.5)
        accept = GRAPHQL_RESPONSE if chance.random() < 0.8 else JSON
        given = variables if variables or chance.random() < 0.5 else None
        return Request(text, given, name if is_named else None, accept)

    def _spoil(self, variables: dict[str, Any], name: str) -> None:
        """Give a variable what it may not be, most often, or leave it out."""
        value = self._chance.choice((ABSENT, None, "spoilt", 1.5, True, [[]], {"spoilt": 1}))
        variables.pop(name, None)
        if value is not ABSENT:
            variables[name] = value

    def _head(self, kind: str, name: str | None, definition: Definition) -> str:
        variables = sorted(self._closure(definition).variables)
        if kind == "query" and name is None and not variables and self._chance.random() < 0.5:
            return ""
        declared = ", ".join(self._arguments.variables[each].declaration for each in variables)
        return f"{kind} {name or ''}{f'({declared})' if declared else ''} "

    def _closure(self, definition: Definition) -> Definition:
        """Give what a definition uses, through its fragments too."""
        reached = Definition(set(definition.variables), set(definition.fragments))
        pending = list(definition.fragments)
        while pending:
            inner = self._fragments[pending.pop()].definition
            reached.variables |= inner.variables
            pending += inner.fragments - reached.fragments
            reached.fragments |= inner.fragments
        return reached

    def _operation(self, is_mutation: bool) -> tuple[Definition, str]:
        root = self._schema.mutation_type if is_mutation else self._schema.query_type
        assert root is not None
        definition = Definition()
        place = _Place(root, Scope(), 0, 1)
        text = self._selection_set(place, definition, most=1 if is_mutation else 3)
        if not is_mutation and self._chance.random() < 0.03:
            text = f"{text[:-1]} {self._chance.choice(_META)} }}"

        return definition, text

    def _selection_set(self, place: _Place, within: Definition, *, most: int = 4) -> str:
        chance = self._chance
        selections = [
            selection
            for _ in range(chance.randrange(1, most + 1))
            if (selection := self._selection(place, within)) is not None
        ]
        if not selections and chance.random() < 0.05:
            return "{}"  # graphql-core takes it, and gives an object without members
        if not selections or chance.random() < 0.1:
            selections.append(self._typename(place))
        return f"{{ {' '.join(selections)} }}"

    def _selection(self, place: _Place, within: Definition) -> str | None:
        kind = self._chance.random()
        if kind < 0.1:
            selection = self._inline_fragment(place, within)
        elif kind < 0.22:
            selection = self._spread(place, within)
        elif kind < 0.3:
            selection = self._again(place, within)
        else:
            selection = self._field(place, within)
        return selection

    def _directives(self, within: Definition) -> str:
        chance = self._chance
        if chance.random() > 0.12:
            return ""
        names = ["skip", "include"] if chance.random() < 0.15 else [chance.choice(("skip", "include", "include"))]
        return "".join(f" @{name}(if: {self._arguments.condition(within)})" for name in names)

    def _typename(self, place: _Place) -> str:
        use = Use(place.type, "__typename", "", "String!")
        key = self._key(place.scope, use)
        place.scope.add(key, use)
        return _aliased(key, "__typename")

    def _field(self, place: _Place, within: Definition) -> str | None:
        chance = self._chance
        if chance.random() < 0.07:
            return self._typename(place)
        fields = getattr(place.type, "fields", {})
        names = [name for name, field in fields.items() if self._fits(field, place)]
        if place.type is self._schema.mutation_type:
            names = [name for name in names if name in ANSWERED_ALIKE]
        if not names:
            return None
        # Fields with something below them are few among many: they are drawn as often as plain ones, and the more often
        # the more there is below.
        nested = [name for name in names if not is_leaf_type(get_named_type(fields[name].type))]
        if nested and chance.random() < 0.45 + 0.55 * (place.depth == 0):
            (name,) = chance.choices(
                nested, [max(self._reach(get_named_type(fields[each].type)), 6) for each in nested]
            )
        else:
            name = chance.choice(names)
        arguments = self._arguments.arguments(fields[name], most=max(1, self._values // place.times), within=within)
        use = Use(place.type, name, arguments.text, str(fields[name].type))
        return self._written(self._key(place.scope, use), use, place, arguments.factor, within)

    def _every_plain_field(self, place: _Place) -> list[str]:
        texts: list[str] = []
        for name, type_ in _plain_fields(place.type).items():
            use = Use(place.type, name, "", type_)
            self.asked.add(f"{place.type.name}.{name}")
            if place.scope.takes(name, use):
                place.scope.add(name, use)
                texts.append(name)
        self._chance.shuffle(texts)
        return texts

    def _again(self, place: _Place, within: Definition) -> str | None:
        """Write a field of this response object once more, with the same arguments.

        Both are merged, or stand beside each other: then the same is asked for twice, with other selections.
        """
        fields = getattr(place.type, "fields", {})
        known = [
            (key, use._replace(parent=place.type))
            for key, uses in place.scope.uses.items()
            for use in uses
            if use.name in fields and str(fields[use.name].type) == use.type and self._fits(fields[use.name], place)
        ]
        known = [(key, use) for key, use in known if place.scope.takes(key, use)]
        if not known:
            return None
        key, use = self._chance.choice(known)
        if self._chance.random() < _BESIDE:
            key = self._key(place.scope, use)
        within.variables |= {name for name in self._arguments.variables if _mentions(use.arguments, name)}
        return self._written(key, use, place, 4, within)

    def _written(self, key: str, use: Use, place: _Place, factor: int, within: Definition) -> str:
        self.asked.add(f"{place.type.name}.{use.name}")
        field: GraphQLField = place.type.fields[use.name]  # type: ignore[attr-defined]
        head = f"{_aliased(key, use.name)}{use.arguments}{self._directives(within)}"
        scope = place.scope.add(key, use)
        below = get_named_type(field.type)
        if is_leaf_type(below):
            return head
        self._fields_left -= 1
        if factor == 1 and _is_list(field):
            factor = _ITEMS
        elif _is_page_list(field, place):
            factor = 1  # counted when its connection was
        inner = _Place(below, scope, place.depth + 1, place.times * max(1, factor))
        return f"{head} {self._selection_set(inner, within)}"

    def _fits(self, field: GraphQLField, place: _Place) -> bool:
        if is_leaf_type(get_named_type(field.type)):
            return True
        if self._fields_left <= 0 or place.depth >= _DEPTH:
            return False
        return "after" not in field.args or place.times <= _MOST_PAGES

    def _reach(self, type_: GraphQLNamedType) -> int:
        """Count the types that can be asked for below a type."""
        if type_.name not in self._reached:
            reached: set[str] = set()
            pending = [type_]
            while pending:
                each = pending.pop()
                if each.name not in reached and not is_leaf_type(each):
                    reached.add(each.name)
                    pending += [get_named_type(field.type) for field in getattr(each, "fields", {}).values()]
                    pending += self._schema.get_possible_types(each) if is_abstract_type(each) else ()
            self._reached[type_.name] = len(reached)
        return self._reached[type_.name]

    def _key(self, scope: Scope, use: Use) -> str:
        """Give a response key under which the field may stand: its name, an alias, or one that others have too."""
        chance = self._chance
        candidates = [use.name] if chance.random() < 0.85 else []
        if chance.random() < 0.3:
            candidates.insert(
                0, chance.choice(("id", "a", "f0", "f1", "node", "namespace", "source", "timeline", "__a"))
            )
        for key in candidates:
            if scope.takes(key, use):
                return key
        number = len(scope.uses)
        while f"{use.name}_{number}" in scope.uses:
            number += 1
        return f"{use.name}_{number}"

    def _inline_fragment(self, place: _Place, within: Definition) -> str | None:
        chance = self._chance
        directives = self._directives(within)
        if chance.random() < 0.3:
            return f"...{directives} {self._selection_set(place, within, most=3)}"
        type_ = chance.choice(self._overlapping(place.type))
        return f"... on {type_.name}{directives} {self._selection_set(place.of(type_), within, most=3)}"

    def _spread(self, place: _Place, within: Definition) -> str | None:
        chance = self._chance
        fragment: _Fragment | None = None
        known = [each for each in self._fragments.values() if self._may_spread(each, place)]
        if known and chance.random() < 0.6:
            fragment = chance.choice(known)
        elif self._fields_left > 0:
            fragment = self._new_fragment(chance.choice(self._overlapping(place.type)), place)
        if fragment is None or not place.scope.takes_all(fragment.scope):
            return None
        self._fragments[fragment.name] = fragment
        place.scope.add_all(fragment.scope)
        within.fragments.add(fragment.name)
        return f"...{fragment.name}{self._directives(within)}"

    def _new_fragment(self, type_: GraphQLNamedType, place: _Place) -> _Fragment:
        definition = Definition()
        # A name of its own although fragments within it are made, and named, before it is complete.
        name = f"F{self._chance.randrange(10**6)}"
        scope = Scope()
        text = self._selection_set(_Place(type_, scope, place.depth, place.times), definition)
        return _Fragment(name, type_, scope, f"fragment {name} on {type_.name} {text}", definition, place.times)

    def _may_spread(self, fragment: _Fragment, place: _Place) -> bool:
        is_near = place.times <= fragment.most and place.depth < _DEPTH
        return is_near and any(each is fragment.type for each in self._overlapping(place.type))

    def _overlapping(self, type_: GraphQLNamedType) -> list[GraphQLNamedType]:
        """Give the types that fragments may have where an object is of this type."""
        overlapping: list[GraphQLNamedType] = [type_, type_]
        if is_object_type(type_) or is_interface_type(type_):
            overlapping += type_.interfaces
        if is_abstract_type(type_):
            overlapping += self._schema.get_possible_types(type_)
        return overlapping


def _plain_fields(type_: GraphQLNamedType) -> dict[str, str]:
    """Give the fields without arguments and without anything below, with their types."""
    fields: dict[str, GraphQLField] = getattr(type_, "fields", {})
    return {
        name: str(field.type)
        for name, field in fields.items()
        if not field.args and is_leaf_type(get_named_type(field.type))
    }


def _aliased(key: str, name: str) -> str:
    return name if key == name else f"{key}: {name}"


def _mentions(text: str, variable: str) -> bool:
    """Whether a text has a variable; the names of variables end in a number that no other begins with."""
    before, found, after = text.partition(f"${variable}")
    return bool(found) and not after[:1].isdigit() and before is not None


def _is_list(field: GraphQLField) -> bool:
    type_ = field.type.of_type if is_non_null_type(field.type) else field.type
    return is_list_type(type_)


def _is_page_list(field: GraphQLField, place: _Place) -> bool:
    return _is_list(field) and "pageInfo" in getattr(place.type, "fields", {})
