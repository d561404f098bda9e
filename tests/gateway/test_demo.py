"""`timeloom demo`: what it stores, what it says, and that running it again does no harm."""

import json
import shlex
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from gateway.demo.command import demo, run_demo
from gateway.demo.draws import HOUR
from gateway.demo.history import tell_history
from gateway.demo.loader import LoadReport, find_earlier_end, has_events, load_history
from gateway.demo.showcase import EXHIBITS, describe_exhibits
from gateway.demo.types import REGISTRIES
from gateway.settings import Settings
from mutations.ingest import IngestOutcome
from mutations.type_registry import TypeRegistry
from storage.counts import CountFolder
from storage.cursors import OperationCursor
from storage.engine import Database
from storage.errors import RevisionError
from storage.operation_lists import fetch_operation_list
from storage.operations import OperationState
from storage.pages import PageRequest, fetch_event_page
from storage.scopes import EVERYTHING
from storage.selectors import And
from storage.times import parse_rfc3339
from tests.processes import GatewayProcess

NOW = 1_795_243_456_789_012
LAST_HOUR = NOW - NOW % HOUR
EXAMPLES_FILE = Path(__file__).parents[2] / "web/src/examples.json"


async def load(database: Database, count: int, *, until: int = LAST_HOUR) -> LoadReport:
    steps: list[int] = []
    history = tell_history(count, seed=1, until=until)
    report = await load_history(database, history, clock=lambda: NOW, advance=steps.append)
    assert sum(steps) == count
    return report


async def states_of_operations(database: Database) -> Counter[OperationState]:
    states: Counter[OperationState] = Counter()
    cursor: OperationCursor | None = None
    while True:
        page = await fetch_operation_list(database, scope=EVERYTHING, size=100, after=cursor)
        states.update(record.state for record in page.records)
        if not page.has_next:
            return states
        cursor = page.end_cursor


async def count_rows(database: Database) -> int:
    total, after = 0, None
    while True:
        request = PageRequest(size=1_000, after=after)
        page = await fetch_event_page(database, selector=And(()), scope=EVERYTHING, request=request)
        total += len(page.records)
        if not page.has_next:
            return total
        after = page.end_cursor


async def run(url: str, *, count: int = 300, until: int | None = None, if_empty: bool = False) -> None:
    settings = Settings(database_url=url, port=8123)
    await run_demo(settings, events=count, seed=1, until=until, if_empty=if_empty, clock=lambda: NOW)


def call(*arguments: str) -> Any:
    app = typer.Typer()
    app.command()(demo)
    return CliRunner().invoke(app, arguments, env={"COLUMNS": "200", "TERM": "dumb"})


async def test_every_event_is_accepted_and_the_second_time_a_duplicate(database: Database) -> None:
    """EV2, OP2: the history goes through ingest, and again does no harm; operations of all states."""
    assert not await has_events(database)
    assert await find_earlier_end(database) is None
    first = await load(database, 2_500)
    assert (first.outcomes, first.first_problem) == (Counter({IngestOutcome.ACCEPTED: 2_500}), None)
    assert await has_events(database)
    assert await find_earlier_end(database) == LAST_HOUR
    states = await states_of_operations(database)
    assert set(states) == set(OperationState)
    registry = TypeRegistry(database)
    types = (await registry.current()).event_types
    assert {each.namespace for each in types} == set(REGISTRIES)
    starting = await registry.operation_type("default", "instance_start")
    assert starting is not None
    assert starting.target_fields[0] == ("instance", "instance")
    again = await load(database, 2_500)
    assert (again.outcomes, again.refused) == (Counter({IngestOutcome.DUPLICATE: 2_500}), 0)
    assert await count_rows(database) == 2_500
    assert await states_of_operations(database) == states
    assert await CountFolder(database).turn() == 0


async def test_a_new_embedded_store_is_migrated_and_ends_at_the_last_full_hour(
    empty_database_url: Callable[[str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    url = empty_database_url("sqlite")
    await run(url, count=1_200)
    told = capsys.readouterr().out
    assert told.startswith("Wrote 1,200 events in ")
    assert "; 0 were there already. The history ends at 2026-11-21T06:00:00.000000Z." in told
    assert "http://127.0.0.1:8123/graphiql?example=one-request" in told


async def test_the_same_command_on_another_day_adds_nothing(
    database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Left out, the end is that of the history that is there."""
    await run(database_url, count=1_000, until=parse_rfc3339("2026-11-18T01:30:00Z"))
    capsys.readouterr()
    await run(database_url, count=1_000)
    told = capsys.readouterr().out
    assert told.startswith("Wrote 0 events in ")
    assert "; 1,000 were there already. The history ends at 2026-11-18T01:30:00.000000Z." in told


async def test_if_empty_leaves_a_store_with_events_alone_and_still_shows_the_links(
    database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    await run(database_url, count=3, if_empty=True)
    assert capsys.readouterr().out.startswith("Wrote 3 events in ")
    await run(database_url, count=300, if_empty=True)
    told = capsys.readouterr().out
    assert told.startswith("The store already holds events; nothing was added.\n")
    assert all(line in told for line in describe_exhibits("http://127.0.0.1:8123"))
    database = await Database.open(database_url)
    try:
        assert await count_rows(database) == 3
    finally:
        await database.close()


async def test_a_server_without_tables_is_not_migrated_but_the_command_is_named(
    empty_database_url: Callable[[str], str],
) -> None:
    with pytest.raises(RevisionError, match="timeloom migrate"):
        await run(empty_database_url("aiomysql"))


def test_help_names_every_option() -> None:
    told = call("--help").output
    for option in ("--events", "--seed", "--database", "--until", "--if-empty", "--config"):
        assert option in told


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("--events", "0"), "--events"),
        (("--events", "10000001"), "10000000"),
        (("--seed", "-1"), "--seed"),
        (("--until", "yesterday"), "'yesterday' is no RFC 3339 time"),
        (("--until", "1970-01-14T23:59:59Z"), "1970 or later"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_wrong_option_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], part: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = call(*arguments)
    assert (result.exit_code, part in result.output) == (2, True), result.output


def test_the_command_ends_at_the_time_that_it_is_given(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'demo.db'}"
    told = call("--events", "20", "--database", url, "--until", "2026-11-18T01:30:00+01:00")
    assert (told.exit_code, told.stderr) == (0, "")
    assert "The history ends at 2026-11-18T00:30:00.000000Z." in told.stdout
    assert call("--events", "20", "--database", url, "--until", "now").stdout.startswith("Wrote 20 events in ")


def test_each_exhibit_is_an_example_of_the_page() -> None:
    names = {entry["name"] for entry in json.loads(EXAMPLES_FILE.read_text(encoding="utf-8"))}
    assert [exhibit.example for exhibit in EXHIBITS if exhibit.example not in names] == []
    assert len(EXHIBITS) == 4


async def test_the_line_for_the_shell_shows_rows(
    new_database_url: Callable[[str], str], gateway_process: Callable[..., GatewayProcess]
) -> None:
    url = new_database_url("sqlite")
    await run(url, count=2_000)
    gateway = gateway_process(url)
    *_, line = describe_exhibits(gateway.url)
    words = shlex.split(line)
    assert words[:3] == ["curl", "-s", f"{gateway.url}/graphql"]
    answer = gateway.post(json.loads(words[-1]))
    rows = answer["data"]["object"]["timeline"]["nodes"]
    assert len(rows) == 5
    assert {row["severity"] for row in rows} <= {"ERROR", "CRITICAL"}
