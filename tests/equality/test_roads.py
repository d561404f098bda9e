"""The documents reach all of the compiled executor: each line of it, and each reason to leave it (L1)."""

import asyncio
import linecache
import math
from pathlib import Path

from graphql import GraphQLSchema

import gateway.completion
from gateway.completion.compiler import Fallback
from tests.equality.damage import Damage
from tests.equality.gateways import Request, serve_pair
from tests.equality.history import event_id
from tests.equality.lines import Lines
from tests.equality.odd_values import DOCUMENTS, answer
from tests.equality.runs import Run
from tests.equality.stores import Templates
from tests.equality.test_plans import require_equal, under_all_conditions

COMPILER = sorted(Path(gateway.completion.__file__).parent.glob("*.py"))
GENERATED = 100
DAMAGES: tuple[Damage, ...] = (
    ("severity", 99),
    ("repeat_count", 2**31),
    ("duration_ms", math.inf),
    ("last_occurred_at", 2**62),
)

DOUBLING = " ".join(
    f"fragment L{level} on Event {{ id source parent {{ ...L{level - 1} }} ancestors(first: 1) {{ ...L{level - 1} }} }}"
    for level in range(1, 15)
)
"""Fragments of 60,000 fields: within every limit, and never to be seen for an event that is not there."""

RARE = (
    Request(f'{{ event(id: "{event_id(10**9)}") {{ ...L14 }} }} fragment L0 on Event {{ id }} {DOUBLING}'),
    Request("query ($at: Float) { events(first: 2, filter: {minDurationMs: $at}) { nodes { id } } }", {"at": 0.5}),
    Request("query ($o: EventOrder = OLDEST_FIRST) { events(first: 2, orderBy: $o) { nodes { id } } }", {"o": None}),
    Request('query ($n: Int) { events(first: $n) { nodes { id } } object(objectType: "a", objectId: "b") { id } }'),
    Request("query ($n: Int! = 1) { events(first: $n) { nodes { ancestors(first: $n) { id } } } }"),
    Request("query ($n: Int = 1) { events(first: 2) { nodes { ancestors(first: $n) { id } } } }", {"n": None}),
    *(Request(f'{{ event(id: "{event_id(number)}") {{ repeatCount durationMs }} }}') for number in range(5)),
    *(
        Request(f"{{ events(first: 1000) {{ nodes {{ {name} }} }} }}")
        for name in ("severity", "repeatCount", "durationMs", "lastTimestamp", "extra")
    ),
)
"""Requests that take roads which generated ones take seldom; over damaged rows."""

UNREACHED = {
    "arguments.py: raise ArgumentError": "a missing argument that must be there is refused with the variables",
    "compiler.py: except ArgumentError:": "literals that cannot be right are refused by validation",
    "compiler.py: raise NotCompiledError(Fallback.ARGUMENT) from None": "the same",
    "compiler.py: return values": "what is JSON already never has to be waited for",
    "selections.py: return self.complete(values, run)": "leaves never have to be waited for",
}
"""Lines that no document can reach, and why."""


async def test_every_line_and_every_reason_to_fall_back_is_reached(templates: Templates, schema: GraphQLSchema) -> None:
    """Over documents of a fixed seed, those with rare roads, and a schema of odd values."""
    lines = Lines(COMPILER)
    stores = await asyncio.to_thread(templates.copies, DAMAGES)
    async with serve_pair(stores) as pair:
        with lines.collecting():
            difference = await Run(pair, schema, seed=300).find_difference(GENERATED)
            assert difference is None, str(difference)
            for request in (*under_all_conditions(), *RARE):
                await require_equal(pair, request)
            for document in DOCUMENTS:
                await answer(document, compiled=True)
        reasons = pair.compiled.fallbacks()
    assert {reason.value for reason in Fallback} - reasons.keys() == set()
    missed = {f"{Path(name).name}: {linecache.getline(name, number).strip()}" for name, number in lines.missed}
    assert missed == UNREACHED.keys()
