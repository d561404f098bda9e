"""`timeloom delete`, `prune` and `forget`: what they print, ask and refuse, and what is left then (HZ2, HZ3, HZ5)."""

import asyncio
import io
import json
import os
import pty
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import pytest

from gateway.cli import main
from storage.engine import Database
from storage.registrations import append_registration
from tests.gateway.test_cli import Ended
from tests.mutations.deleting import OWN, numbers, stored
from tests.processes import GatewayProcess, timeloom_command
from tests.storage.histories import START, link, row, store

T = TypeVar("T")


@pytest.fixture
def url(new_database_url: Callable[[str], str]) -> str:
    """A store of eight audits and two events that would steer a terminal; the even ones touch a host alone."""
    url = new_database_url("sqlite")

    async def fill(database: Database) -> None:
        rows = [row(number, objects=(link("host", "h"),) if number % 2 == 0 else ()) for number in range(1, 9)]
        await store(database, rows + [row(number, event_type="odd", message="\x1b[2J") for number in (9, 10)])

    on(url, fill)
    return url


def on(url: str, work: Callable[[Database], Awaitable[T]]) -> T:
    """Do something in the store, outside of every event loop."""

    async def run() -> T:
        database = await Database.open(url)
        try:
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(run())


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Let Ctrl-C do here and in new processes what it does in a terminal: what a shell starts with & ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def command(url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """Run a command in this process; `answer` is typed into it."""

    def run(*arguments: str, answer: str = "") -> Ended:
        monkeypatch.setenv("TIMELOOM_DATABASE_URL", url)
        monkeypatch.setattr(sys, "argv", ["timeloom", *arguments])
        monkeypatch.setattr(sys, "stdin", io.StringIO(answer))
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        return Ended(ended.value.code, printed.out, printed.err)

    return run


def test_it_counts_shows_asks_deletes_and_says_how_many(url: str, command: Callable[..., Ended]) -> None:
    """HZ2: a dry run, a no, nobody to ask, a yes."""
    audits = ("delete", "-s", "event_type=audit", "-s", "message!='event 3'")
    shown = command(*audits, "--dry-run")
    assert (shown.code, shown.stdout.splitlines()[0], shown.stdout.splitlines()[-1]) == (
        0,
        "7 events",
        "nothing was deleted",
    )
    assert shown.stdout.count("host-1") == 7
    refused = command(*audits, answer="n\n")
    assert (refused.code, refused.stdout.splitlines()[-1].strip()) == (0, "nothing was deleted")
    alone = command(*audits)
    assert "no answer, so nothing was deleted: --force" in alone.stderr
    assert (alone.code, "Delete 7 events? [y/N]" in alone.stderr) == (1, True)
    assert on(url, numbers) == list(range(1, 11))
    done = command(*audits, "--reason", "because", answer="y\n")
    assert (done.code, done.stdout.splitlines()[-1].strip()) == (0, "deleted 7 events")
    assert on(url, numbers) == [3, 9, 10]
    [told] = on(url, lambda database: stored(database, OWN))
    assert json.loads(told.extra or "")["filter"] == '{"selectors":["event_type=audit","message!=\'event 3\'"]}'
    assert (told.actor or "").endswith(" (command line)")


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_at_the_question_ends_it_at_once(url: str) -> None:
    """One is enough: the deletion has not begun."""
    process, terminal = pty.fork()
    if process == 0:
        arguments = [timeloom_command(), "delete", "-s", "event_type=audit", "--database", url]
        os.execv(arguments[0], arguments)
    shown = b""
    while b"[y/N]" not in shown:
        shown += os.read(terminal, 65536)
    os.write(terminal, b"\x03")
    with suppress(OSError):  # Linux says so when the other side of a terminal is closed
        while more := os.read(terminal, 65536):
            shown += more
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 1
    assert b"no answer, so nothing was deleted" in shown
    assert len(on(url, numbers)) == 10


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_while_it_deletes_cancels_and_says_what_is_gone(
    url: str, command: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def interrupted(_worker: Any) -> bool:
        os.kill(os.getpid(), signal.SIGINT)
        return await asyncio.Event().wait()  # for nothing: it is cancelled here

    monkeypatch.setattr("gateway.deletion_commands.DeletionWorker.turn", interrupted)
    ended = command("delete", "-s", "event_type=audit", "--force")
    assert (ended.code, "interrupted, 0 events deleted; the deletion is CANCELLED" in ended.stderr) == (130, True)
    assert len(on(url, numbers)) == 10


def test_programs_get_json(url: str, command: Callable[..., Ended]) -> None:
    done = command("delete", "--everything", "--namespace", "default", "--force", "--json")
    told = json.loads(done.stdout)
    assert told | {"id": ""} == {
        "id": "",
        "state": "DONE",
        "matched": 10,
        "deleted": 10,
        "references": 4,
        "filter": {"namespaces": ["default"]},
        "error": None,
    }
    assert on(url, numbers) == []


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((), "nothing says which events go: give --select, or --everything when all of them are meant"),
        (("-s", "actor=a", "--everything"), "--everything and --select exclude each other"),
        (("-s", "severity"), "--select: selector 'severity' has no operator"),
        (("-s", "colour=red"), "--select: selector 'colour=red'"),
    ],
    ids=["nothing", "both", "no operator", "unknown"],
)
def test_what_cannot_be_understood_deletes_nothing(
    url: str, command: Callable[..., Ended], arguments: Sequence[str], error: str
) -> None:
    """HZ1: it never matches everything in silence."""
    refused = command("delete", *arguments, "--force")
    assert (refused.code, error in refused.stderr, refused.stdout) == (2, True, "")
    assert len(on(url, numbers)) == 10


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("forget", "host", "h", "--namespace", ""), "namespace '' is not made of"),
        (("forget", "host", ""), "objectId is empty"),
        (("forget", "t" * 65, "h"), "objectType has 65 characters"),
        (("prune", "--source", "s", "--namespace", ""), "namespace '' is not made of"),
        (("prune", "--source", ""), "source is empty"),
        (("forget", "host", "h", "--reason", "r" * 1001), "--reason has 1001 characters, the most is 1000"),
    ],
    ids=["no namespace", "no id", "long type", "prune no namespace", "prune no source", "long reason"],
)
def test_an_argument_that_is_empty_is_not_left_out(
    url: str, command: Callable[..., Ended], arguments: Sequence[str], error: str
) -> None:
    """A script whose variable is not set must not fall on the home namespace, nor on nothing."""
    refused = command(*arguments, "--force")
    assert (refused.code, error in refused.stderr, refused.stdout) == (2, True, "")
    assert len(on(url, numbers)) == 10


def test_what_is_shown_cannot_steer_the_terminal(command: Callable[..., Ended]) -> None:
    shown = command("delete", "-s", "event_type=odd", "--dry-run").stdout
    assert ("\x1b" in shown, shown.count("\ufffd[2J")) == (False, 2)


def test_an_object_is_forgotten_and_registrations_are_pruned(url: str, command: Callable[..., Ended]) -> None:
    """EV7, HZ3: the same way, with their own words."""
    done = command("forget", "host", "h", "--force")
    assert done.stdout.splitlines()[-1] == "deleted 4 references, and 4 events with them"

    async def register(database: Database) -> Any:
        [key] = (await database.identities.intern_namespaces(["default"])).values()
        first, second = [(await append_registration(database, key, "s", now=START)).uuid for _ in range(2)]
        await store(database, [row(20, source="s", registration_id=first), row(21, source="s", registration_id=second)])

    on(url, register)
    assert command("prune", "--source", "s", "--force").stdout.splitlines()[-1] == "deleted 1 event"
    assert on(url, numbers) == [1, 3, 5, 7, 9, 10, 21]
    assert command("prune", "--source", "s", "--namespace", "timeloom").code == 2


def test_a_gateway_that_runs_carries_it_out_or_lets_it_be_done(
    url: str, command: Callable[..., Ended], gateway_process: Callable[..., GatewayProcess]
) -> None:
    """Whoever holds the lease works; both see the same row. The gateway's own way is as long as a tick."""
    gateway = gateway_process(url)
    shown = gateway.execute(
        'mutation { deleteEvents(input: {filter: {eventTypes: ["odd"]}}) { deletion { id matched } } }'
    )
    confirmation = shown["deleteEvents"]["deletion"]["id"]
    confirmed = gateway.execute(
        'mutation ($id: ID!) { deleteEvents(input: {filter: {eventTypes: ["odd"]}, dryRun: false, confirmation: $id})'
        " { deletion { state } } }",
        {"id": confirmation},
    )
    assert confirmed["deleteEvents"]["deletion"] == {"state": "QUEUED"}
    assert command("delete", "-s", "event_type=audit", "--force").stdout.splitlines()[-1] == "deleted 8 events"
    done = gateway.execute("query ($id: ID!) { deletion(id: $id) { state deleted } }", {"id": confirmation})
    assert done["deletion"] == {"state": "DONE", "deleted": 2}
    assert "timeloom_deletion_removed_events_total" in gateway.get("/metrics").text
