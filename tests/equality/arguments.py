"""Arguments of generated documents: as literals, as variables, or both in one input object."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    Undefined,
    get_named_type,
)

from tests.equality.values import SIZES, Values

ABSENT = object()
"""What is drawn for a variable that a request leaves out."""
_DEFAULT_PAGE = 50
_LIKELIHOOD = {"filter": 0.2, "after": 0.1, "before": 0.06, "asOf": 0.08, "orderBy": 0.3}


@dataclass(frozen=True)
class Variable:
    """A variable of the document: its declaration, and how its values are drawn."""

    declaration: str
    draw: Callable[[], Any]


@dataclass
class Definition:
    """An operation or a fragment that is being written: which variables and fragments it uses."""

    variables: set[str] = field(default_factory=set)
    fragments: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Arguments:
    """The text of a field's arguments, and how many values its list will have, roughly."""

    text: str
    factor: int


class ArgumentMaker:
    """Draws arguments and conditions; keeps the variables that they use."""

    def __init__(self, chance: random.Random, *, new_events: bool) -> None:
        self.variables: dict[str, Variable] = {}
        self._chance = chance
        self._values = Values(chance, new_events=new_events)

    def arguments(self, wanted: GraphQLField, *, most: int, within: Definition) -> Arguments:
        """Draw the arguments of a field whose list should have at most so many values."""
        chance = self._chance
        texts: list[str] = []
        factor, sizes = self._sizes(wanted, most, within)
        order = self._default_order(wanted)
        # The order first: cursors should belong to it.
        for name, argument in sorted(wanted.args.items(), key=lambda item: item[0] != "orderBy"):
            is_required = isinstance(argument.type, GraphQLNonNull) and argument.default_value is Undefined
            if name in SIZES or not (is_required or chance.random() < _LIKELIHOOD.get(name, 0.25)):
                continue
            draw = self._draw_of(argument.type, name, get_named_type(wanted.type).name, order)
            text = self._value_text(argument.type, name, draw, within, has_default=not is_required)
            texts.append(f"{name}: {text}")
            order = text if name == "orderBy" and text.isupper() else order
        texts += sizes
        chance.shuffle(texts)
        return Arguments(f"({', '.join(texts)})" if texts else "", factor)

    def condition(self, within: Definition) -> str:
        """Draw `true`, `false` or a variable for @skip and @include."""
        chance = self._chance
        if chance.random() < 0.4:
            return chance.choice(("true", "false"))
        known = [name for name in self.variables if name.startswith("if")]
        if known and chance.random() < 0.6:
            name = chance.choice(known)
        else:
            name = f"if{len(self.variables)}"
            self.variables[name] = Variable(*self._condition_variable(name))
        within.variables.add(name)
        return f"${name}"

    def _condition_variable(self, name: str) -> tuple[str, Callable[[], Any]]:
        chance = self._chance
        kind = chance.random()
        if kind < 0.6:
            return f"${name}: Boolean!", lambda: chance.random() < 0.5
        default = chance.choice(("true", "false"))
        if kind < 0.8:
            return f"${name}: Boolean! = {default}", lambda: chance.choice((True, False, ABSENT))
        # A null is allowed by its type and refused by the directive.
        return (
            f"${name}: Boolean = {default}",
            lambda: None if chance.random() < 0.05 else chance.choice((True, False, ABSENT, ABSENT)),
        )

    def _sizes(self, wanted: GraphQLField, most: int, within: Definition) -> tuple[int, list[str]]:
        """Give the factor and the texts of `first` and `last`."""
        chance = self._chance
        names = [name for name in SIZES if name in wanted.args]
        if not names:
            return 1, []
        is_page = len(names) == 2
        if chance.random() < 0.25 and (not is_page or most >= _DEFAULT_PAGE):
            return _DEFAULT_PAGE if is_page else 4, []
        chosen = names if is_page and chance.random() < 0.02 else [chance.choice((*names, "first"))]
        sizes = [self._values.draw_size(most) for _ in chosen]
        texts = [
            f"{name}: {self._size_text(wanted.args[name].type, name, size, within, most)}"
            for name, size in zip(chosen, sizes, strict=True)
        ]
        return max(1, min(most, max(sizes))), texts

    def _size_text(self, type_: GraphQLInputType, name: str, size: int, within: Definition, most: int) -> str:
        if self._chance.random() < 0.7:
            return str(size)
        return self._as_variable(
            type_, name, lambda: self._values.draw_size(most), within, has_default=most >= _DEFAULT_PAGE
        )

    def _default_order(self, wanted: GraphQLField) -> str:
        default = wanted.args["orderBy"].default_value if "orderBy" in wanted.args else "OLDEST_FIRST"
        return str(getattr(default, "name", default))

    def _draw_of(self, type_: GraphQLInputType, name: str, connection: str, order: str) -> Callable[[], Any]:
        if name in ("after", "before"):
            return lambda: self._values.draw_cursor(connection, order)
        return lambda: self._values.draw(type_, name)

    def _value_text(
        self, type_: GraphQLInputType, name: str, draw: Callable[[], Any], within: Definition, *, has_default: bool
    ) -> str:
        if self._chance.random() < 0.35:
            return self._as_variable(type_, name, draw, within, has_default=has_default)
        return self._literal(type_, name, draw(), within)

    def _as_variable(
        self, type_: GraphQLInputType, name: str, draw: Callable[[], Any], within: Definition, *, has_default: bool
    ) -> str:
        """Declare a variable for a place; `has_default`: the place may stay without a value."""
        chance = self._chance
        variable = f"{name}{len(self.variables)}"
        within.variables.add(variable)
        nullable = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
        kind = chance.random()
        if kind < 0.2 and (default := draw()) is not None:
            # With a default a nullable variable may stand where null may not: a null in it is an error of the field.
            declared = chance.choice((nullable, nullable, type_))
            text = f"${variable}: {declared} = {self._literal(type_, name, default, None)}"
            if isinstance(declared, GraphQLNonNull):
                self.variables[variable] = Variable(text, lambda: chance.choice((ABSENT, draw())))
            else:
                self.variables[variable] = Variable(text, lambda: chance.choice((ABSENT, ABSENT, draw(), draw(), None)))
        elif kind < 0.5 and has_default:
            self.variables[variable] = Variable(
                f"${variable}: {nullable}", lambda: chance.choice((None, ABSENT)) if chance.random() < 0.3 else draw()
            )
        else:
            declared = type_ if isinstance(type_, GraphQLNonNull) else chance.choice((type_, GraphQLNonNull(type_)))
            self.variables[variable] = Variable(f"${variable}: {declared}", _never_null(draw))
        return f"${variable}"

    def _literal(self, type_: Any, name: str, value: Any, within: Definition | None) -> str:
        """Write a value; parts of it become variables when it stands in a definition."""
        if isinstance(type_, GraphQLNonNull):
            return self._literal(type_.of_type, name, value, within)
        if value is None:
            return "null"
        match type_:
            case GraphQLList() if isinstance(value, list):
                return f"[{', '.join(self._literal(type_.of_type, name, each, within) for each in value)}]"
            case GraphQLList():
                return self._literal(type_.of_type, name, value, within)
            case GraphQLInputObjectType():
                members = (
                    f"{key}: {self._member(type_, key, each, within)}"
                    for key, each in value.items()
                    if key in type_.fields
                )
                return f"{{{', '.join(members)}}}"
            case GraphQLEnumType():
                return str(value)
        return _plain_literal(value)

    def _member(self, within_type: GraphQLInputObjectType, name: str, value: Any, within: Definition | None) -> str:
        type_ = within_type.fields[name].type
        # The gateway makes ids of its own for events without: those could not be equal.
        must_be_given = within_type.name == "EventInput" and name == "id"
        if within is None or value is None or must_be_given or self._chance.random() < 0.9:
            return self._literal(type_, name, value, within)
        if within_type.is_one_of:
            # The only member cannot be left out, nor be null.
            type_ = GraphQLNonNull(type_)
        has_default = not isinstance(type_, GraphQLNonNull)
        return self._as_variable(type_, name, lambda: value, within, has_default=has_default)


def _never_null(draw: Callable[[], Any]) -> Callable[[], Any]:
    def drawn() -> Any:
        value = None
        while value is None:
            value = draw()
        return value

    return drawn


def _plain_literal(value: Any) -> str:
    """Write JSON as GraphQL: the same but for the names of members."""
    match value:
        case dict():
            return f"{{{', '.join(f'{key}: {_plain_literal(each)}' for key, each in value.items())}}}"
        case list():
            return f"[{', '.join(map(_plain_literal, value))}]"
    return json.dumps(value, ensure_ascii=False)
