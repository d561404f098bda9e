"""Runs: the documents of a seed, each as drawn and in other forms, until an answer is wrong."""

import gc
import itertools
import json
import random
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
from graphql import GraphQLSchema, GraphQLSyntaxError, print_ast

from tests.equality.gateways import Request
from tests.equality.shrinking import shrink
from tests.fuzz.answers import Tally, ask
from tests.fuzz.drawing import draw_documents
from tests.fuzz.variations import FormMaker

FORMS = 10
"""In how many forms each drawn document is asked, or a few more; the first is the one that was drawn."""
_SHOWN = 6_000


class Run:
    """The documents of one seed, in order, until an answer is wrong."""

    def __init__(self, schema: GraphQLSchema, *, seed: int) -> None:
        self.tally = Tally()
        self._schema = schema
        self._seed = seed

    async def find_failure(self, client: httpx2.AsyncClient, documents: int) -> str | None:
        """Ask so many documents; tell the first wrong answer, and the smallest request that has one like it."""
        for request in self._requests(documents):
            answer = await ask(client, request)
            if answer.complaint is not None:
                return await _explain(client, request, answer.complaint)
            self.tally.add(answer)
        return None

    def _requests(self, documents: int) -> Iterator[Request]:
        """Give so many, each with another text: all as they were drawn, then all in one other form after the other."""
        drawn = draw_documents(self._schema, documents // FORMS, seed_number=self._seed)
        seen: set[str] = set()
        for form in itertools.count():
            for number, document in enumerate(drawn):
                maker = FormMaker(self._schema, random.Random(f"{self._seed}/{number}/{form}"))
                request = maker.make(document) if form else Request(print_ast(document))
                if request.query not in seen:
                    seen.add(request.query)
                    yield request
                    self.tally.asked |= maker.asked
                if len(seen) == documents:
                    return


@contextmanager
def uncollected() -> Iterator[None]:
    """Let garbage lie until the end: collections, which parsed documents bring about, are a third of the work."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.collect()


async def _explain(client: httpx2.AsyncClient, request: Request, complaint: str) -> str:
    async def fails(candidate: Request) -> bool:
        return (await ask(client, candidate)).complaint is not None

    try:
        smallest = await shrink(request, fails)
    except GraphQLSyntaxError:
        smallest = request  # damaged text has no parts that could be taken away
    return f"{complaint}\n\nsmallest request:\n{_shown(smallest)}\n\nas asked:\n{_shown(request)}"


def _shown(request: Request) -> str:
    text = f"{request.query[:_SHOWN]}\n{json.dumps(request.variables)[:_SHOWN]}\n{request.operation_name!r}"
    return text.encode("utf-8", "backslashreplace").decode()
