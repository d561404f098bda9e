"""What an answer must be, whatever was asked: JSON of GraphQL's shape, and errors that the contract knows."""

import json
from dataclasses import dataclass, field
from typing import Any

import httpx2
import orjson

from gateway.errors import ErrorCode
from tests.equality.gateways import Request

FAILURES = frozenset({ErrorCode.INTERNAL, ErrorCode.UNAVAILABLE, ErrorCode.TIMEOUT})
"""What no document may bring about in a gateway whose database is there."""
REFUSED = frozenset({"PARSE_FAILED", "VALIDATION_FAILED", "QUERY_TOO_COMPLEX"})
EXPECTED = frozenset(code.value for code in ErrorCode if code not in FAILURES)


@dataclass(frozen=True)
class Answer:
    """The status and the body of an answer."""

    status: int
    body: bytes

    @property
    def complaint(self) -> str | None:
        """What is wrong with the answer; None: nothing."""
        if self.status >= 500:
            return f"status {self.status}: {self.body[:500]!r}"
        try:
            value = orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            return f"no JSON: {error}: {self.body[:500]!r}"
        if not isinstance(value, dict) or not value or value.keys() - {"data", "errors"}:
            return f"no GraphQL answer: {self.body[:500]!r}"
        if "errors" in value and not value["errors"]:
            return "an empty list of errors"
        return next(filter(None, map(_complaint_about, value.get("errors", []))), None)

    @property
    def codes(self) -> set[str]:
        """The codes of the errors of an answer that is in order."""
        return {error["extensions"]["code"] for error in orjson.loads(self.body).get("errors", ())}

    @property
    def has_data(self) -> bool:
        """Whether any root field gave a value."""
        data = orjson.loads(self.body).get("data")
        return bool(data) and any(value is not None for value in data.values())


def _complaint_about(error: Any) -> str | None:
    extensions = error.get("extensions", {})
    if not error.get("message") or "requestId" not in extensions:
        return f"an error without text or requestId: {error}"
    return None if extensions["code"] in EXPECTED else f"code {extensions['code']}: {error}"


@dataclass
class Tally:
    """What a run has seen, so that it can be told whether it looked at anything."""

    documents: int = 0
    answered: int = 0
    """Answers in which a root field has a value."""
    refused: int = 0
    """Documents that were not executed: broken, invalid or too large."""
    asked: set[str] = field(default_factory=set)
    """Which fields they have, as `Type.field`."""

    def add(self, answer: Answer) -> None:
        """Count one document."""
        self.documents += 1
        self.answered += answer.has_data
        self.refused += not answer.codes.isdisjoint(REFUSED)


async def ask(client: httpx2.AsyncClient, request: Request) -> Answer:
    """Post a request; lone surrogates leave as escapes, as a client's JSON has them."""
    body = {"query": request.query, "variables": request.variables, "operationName": request.operation_name}
    headers = {"content-type": "application/json", "accept": request.accept}
    response = await client.post("/graphql", content=json.dumps(body), headers=headers)
    return Answer(response.status_code, response.content)
