"""Runs: so many generated documents through both executors, until they differ."""

import random
from collections import Counter
from dataclasses import dataclass, field

import orjson
from graphql import GraphQLSchema

from tests.equality.documents import DocumentMaker
from tests.equality.gateways import Pair, Reply, Request
from tests.equality.shrinking import shrink

_SHOWN = 6_000
_REFUSED = frozenset({"PARSE_FAILED", "VALIDATION_FAILED", "QUERY_TOO_COMPLEX"})


@dataclass
class Tally:
    """What a run has seen, so that it can be told whether it looked at anything."""

    documents: int = 0
    requests: int = 0
    refused: int = 0
    with_errors: int = 0
    bytes: int = 0
    codes: Counter[str] = field(default_factory=Counter)

    def add(self, reply: Reply) -> None:
        """Count one answer."""
        self.requests += 1
        self.bytes += len(reply.body)
        if reply.body.startswith(b'{"errors"'):
            codes = _codes(reply.body)
            self.codes.update(codes)
            self.with_errors += 1
            self.refused += not codes.isdisjoint(_REFUSED)


@dataclass(frozen=True)
class Difference:
    """The first document of a run that the executors answer differently, and the smallest like it."""

    seed: int
    number: int
    request: Request
    smallest: Request
    text: str

    def __str__(self) -> str:
        return (
            f"seed {self.seed}, document {self.number}: {self.text[:_SHOWN]}\n\n"
            f"smallest request:\n{str(self.smallest)[:_SHOWN]}\n\nas generated:\n{str(self.request)[:_SHOWN]}"
        )


class Run:
    """The documents of one seed, in order; each is made from the seed and its number alone."""

    def __init__(self, pair: Pair, schema: GraphQLSchema, *, seed: int, new_events: bool = True) -> None:
        self.tally = Tally()
        self._pair = pair
        self._schema = schema
        self._seed = seed
        self._new_events = new_events

    async def find_difference(self, documents: int, *, smallest: bool = True) -> Difference | None:
        """Ask so many documents; stop at the first difference and make it small."""
        for number in range(documents):
            chance = random.Random(f"{self._seed}/{number}")
            document = DocumentMaker(self._schema, chance, new_events=self._new_events).make()
            self.tally.documents += 1
            for request in document.requests:
                reply, difference = await self._pair.ask(request)
                self.tally.add(reply)
                if difference is not None:
                    return await self._explain(number, request, difference, smallest=smallest)
        return None

    async def _explain(self, number: int, request: Request, difference: str, *, smallest: bool) -> Difference:
        shrunk = await shrink(request, self._differs) if smallest else request
        # What is new to a store is new only once: then the smallest request shows nothing any more.
        _, text = await self._pair.ask(shrunk)
        return Difference(self._seed, number, request, shrunk, text or difference)

    async def _differs(self, request: Request) -> bool:
        _, difference = await self._pair.ask(request)
        return difference is not None


def _codes(body: bytes) -> set[str]:
    try:
        return {error["extensions"]["code"] for error in orjson.loads(body)["errors"]}
    except orjson.JSONDecodeError:
        return set()  # stored text that is no JSON stands in it
