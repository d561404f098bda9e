"""Logs: one line per thing, for people or machines, with the request's id; and what clients never get to see."""

import json
import logging
import subprocess
import sys
from collections.abc import Callable

import pytest
import structlog

from storage.engine import Database
from tests.gateway.serving import codes, post, serve_in_process

PROGRAM = """
import logging, structlog
from gateway.logs import configure_logs
configure_logs({format!r}, "info")
structlog.get_logger("timeloom").info("hello", request_id="r1", number=1)
structlog.get_logger("timeloom").debug("hidden")
logging.getLogger("some.library").warning("from a library")
try:
    password = "se" + "cret"
    1 / 0
except ZeroDivisionError:
    structlog.get_logger("timeloom").exception("broken")
"""


def lines_of(log_format: str) -> list[str]:
    program = PROGRAM.format(format=log_format)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    return done.stderr.splitlines()


def test_json_lines_carry_everything() -> None:
    first, second, third = (json.loads(line) for line in lines_of("json"))
    assert {first.pop("timestamp")[-1], second.pop("timestamp")[-1]} == {"Z"}
    assert first == {"event": "hello", "level": "info", "logger": "timeloom", "request_id": "r1", "number": 1}
    assert second == {"event": "from a library", "level": "warning", "logger": "some.library"}
    assert third["exception"][0]["exc_type"] == "ZeroDivisionError"


def test_console_lines_are_for_people() -> None:
    lines = lines_of("console")
    assert "hello" in lines[0]
    assert "request_id=r1" in lines[0]
    assert "from a library" in lines[1]
    assert any("ZeroDivisionError" in line for line in lines[2:])


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_tracebacks_never_show_values(log_format: str) -> None:
    """Local variables hold events and passwords."""
    assert "secret" not in "".join(lines_of(log_format))


async def test_an_unforeseen_failure_is_masked_and_logged_with_its_traceback(
    new_database_url: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the secret inside")

    async with serve_in_process(new_database_url("sqlite")) as client:
        await post(client, "{ __typename }")
        monkeypatch.setattr(Database, "reading", fail)
        with structlog.testing.capture_logs() as logs:
            response = await client.post(
                "/graphql", json={"query": "{ events { nodes { id } } }"}, headers={"x-request-id": "r7"}
            )
    assert codes(response) == ["INTERNAL"]
    assert response.json()["data"] == {"events": None}
    assert "secret" not in response.text
    assert "retryable" not in response.json()["errors"][0]["extensions"]
    [logged] = [entry for entry in logs if entry["event"] == "resolver failed"]
    assert (logged["request_id"], logged["path"], str(logged["exc_info"])) == ("r7", "events", "the secret inside")


def test_the_libraries_below_are_not_louder_than_we_are() -> None:
    assert logging.getLogger("asyncmy").getEffectiveLevel() >= logging.WARNING
