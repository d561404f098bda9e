"""Values that no resolver and no row of today gives: a schema made of them, executed both ways (L1).

The schema of the gateway will grow; what its compiler does with a kind of value that it did not expect is decided now.
"""

from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any, NewType

import strawberry
from strawberry.extensions import FieldExtension
from strawberry.permission import BasePermission
from strawberry.schema.config import StrawberryConfig
from strawberry.types.scalar import ScalarDefinition

from gateway.documents import Documents
from gateway.errors import BadUserInputError
from gateway.execution import Executor
from gateway.http import document_limits
from gateway.metrics import Metrics
from gateway.schema.enums import Severity
from gateway.settings import Settings
from tests.equality.gateways import silent_logs

Reversed = NewType("Reversed", str)
SCALARS: dict[object, ScalarDefinition] = {
    Reversed: strawberry.scalar(name="Reversed", serialize=lambda text: text[::-1], parse_value=str)
}


def holding(value: Any) -> Any:
    """A field whose value is not what its annotation says."""
    return strawberry.field(default_factory=lambda: value)


@strawberry.type
class Inner:
    name: str


@strawberry.type
class Choosy:
    name: str

    @classmethod
    def is_type_of(cls, value: Any, _info: Any) -> bool:
        return isinstance(value, Choosy)


@strawberry.type
class Odd:
    name: str = "odd"
    inner: Inner | None = None
    required_inner: Inner = holding(None)
    required_list: list[str] = holding(None)
    text_for_list: list[str] | None = holding("text")
    number_for_list: list[int] | None = holding(5)
    tuple_for_list: list[int] | None = holding((1, 2))
    null_in_list: list[str | None] = holding(("a", None, "b"))
    null_in_strict_list: list[str] | None = holding(("a", None, "b"))
    lists_in_list: list[list[int] | None] = holding(([1], None, [], [2, 3]))
    true_for_severity: Severity | None = holding(True)
    true_for_required_severity: Severity = holding(True)
    list_for_severity: Severity | None = holding([])
    choosy: Choosy | None = holding(Inner(name="no"))
    reversed: Reversed = Reversed("abc")
    number_for_text: str = holding(1)
    true_for_number: int = True
    number_for_float: float = 1
    nan: float | None = float("nan")


def _fail() -> Odd:
    raise BadUserInputError("never")


def _crash() -> Odd:
    raise RuntimeError("not for clients")


def _nothing() -> Any:
    return None


async def _fail_later() -> Odd:
    raise BadUserInputError("never")


async def _odds() -> list[Odd | None]:
    return [Odd(), None, Odd(name="other")]


class Never(BasePermission):
    message = "not for you"

    def has_permission(self, source: Any, info: Any, **kwargs: Any) -> bool:
        return False


class Shouting(FieldExtension):
    def resolve(self, next_: Any, source: Any, info: Any, **kwargs: Any) -> Any:
        return next_(source, info, **kwargs).upper()


@strawberry.type
class Query:
    guarded: Odd | None = strawberry.field(resolver=lambda: Odd(), permission_classes=[Never])
    shouted: str = strawberry.field(resolver=lambda: "odd", extensions=[Shouting()])
    odd: Odd | None = strawberry.field(resolver=lambda: Odd())
    odds: list[Odd | None] = strawberry.field(resolver=_odds)
    required: Odd = strawberry.field(resolver=_fail)
    required_later: Odd = strawberry.field(resolver=_fail_later)
    crashed: Odd | None = strawberry.field(resolver=_crash)
    nothing: Odd = strawberry.field(resolver=_nothing)


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def odds(self) -> AsyncIterator[int]:
        yield 1


SCHEMA = strawberry.Schema(
    query=Query, subscription=Subscription, types=[Choosy], config=StrawberryConfig(scalar_map=SCALARS)
)
FIELDS = [
    field
    for field in SCHEMA._schema.type_map["Odd"].fields  # type: ignore[attr-defined]
    if field not in ("inner", "requiredInner", "choosy")
]
DOCUMENTS = [
    "{ guarded { name } shouted }",
    *(f"{{ odd {{ a: name {field} }} }}" for field in FIELDS),
    *(f"{{ odds {{ a: name {field} }} }}" for field in FIELDS),
    "{ odd { name inner { name } } }",
    "{ odd { name requiredInner { name } } }",
    "{ odds { name requiredInner { name } } }",
    "{ odd { name choosy { name } } }",
    "{ odd { name } required { name } }",
    "{ odd { name } requiredLater { name } }",
    "{ odd { name } crashed { name } }",
    "{ odd { name } nothing { name } }",
    f"{{ odd {{ {' '.join(FIELDS)} }} }}",
    "subscription { odds }",
]


async def answer(document: str, *, compiled: bool) -> tuple[bytes, int]:
    """Execute a document of SCHEMA one way, and give body and status."""
    executor = Executor(SCHEMA, Metrics(()), compiled=compiled)
    prepared = Documents(SCHEMA._schema, document_limits(Settings())).prepare(document)
    context: Any = SimpleNamespace(selections={})
    with silent_logs():
        result = await executor.execute(prepared, prepared.operation(None), variables={}, context=context)
        found = executor.answer(result, request_id="odd")
    return found.body, found.status
