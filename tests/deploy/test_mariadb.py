"""What deploy/mariadb holds does what docs/operating-mariadb.md says, on a real server (GQ8)."""

import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from typing import Any

import pymysql
import pytest

from mutations.drafts import EventDraft, ObjectDraft
from mutations.ingest import IngestLimits, IngestOutcome, ingest_events
from mutations.upkeep import Upkeep
from storage.counts import CountFolder, fetch_event_rows
from storage.engine import Database
from storage.errors import StorageError
from storage.operations import OperationState
from storage.positions import Sequencer, fetch_live_position
from storage.revisions import migrate
from storage.times import now_micros
from tests.databases import MariaServer, command_path
from tests.docs.markdown import ROOT
from tests.mutations.operating import enqueue, move
from tests.processes import GatewayProcess
from tests.waiting import wait_for

GRANTS = ROOT / "deploy/mariadb/grants.sql"
SERVER_SETTINGS = ROOT / "deploy/mariadb/timeloom.cnf"
USERS = {
    "SERVE": "timeloom_serve",
    "MIGRATE": "timeloom_migrate",
    "RETAIN": "timeloom_retain",
    "BACKUP": "timeloom_backup",
}
INGEST = "mutation ($input: IngestEventsInput!) { ingestEvents(input: $input) { accepted } }"
READ = '{ object(objectType: "node", objectId: "n-1") { timeline { nodes { message } } } events { livePosition } }'


def run_client(server: MariaServer, command: str, *arguments: str, given: str = "") -> str:
    done = subprocess.run(
        [command_path(command), "--no-defaults", f"--socket={server.socket}", "--user=root", *arguments],
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def url_of(server: MariaServer, user: str, database: str = "timeloom") -> str:
    return f"mariadb+aiomysql://{user}:{user}-secret@127.0.0.1:{server.port}/{database}"


@pytest.fixture
def granted(mariadb_server: MariaServer) -> Iterator[MariaServer]:
    """A server on which grants.sql has been run as its comment says, twice, and the migrating user has migrated."""
    text = GRANTS.read_text(encoding="utf-8")
    for word, user in USERS.items():
        assert f"{word}-PASSWORD" in text
        text = text.replace(f"{word}-PASSWORD", f"{user}-secret")
    run_client(mariadb_server, "mariadb", given=text)
    run_client(mariadb_server, "mariadb", given=text)
    migrate(url_of(mariadb_server, "timeloom_migrate"))
    yield mariadb_server
    for name in ("timeloom", "timeloom_restored"):
        mariadb_server.drop_database(name)
    for user in USERS.values():
        mariadb_server.execute(f"DROP USER '{user}'@'%'")


@pytest.fixture
async def serving(granted: MariaServer) -> AsyncIterator[Database]:
    """The store as the serving user opens it."""
    database = await Database.open(url_of(granted, "timeloom_serve"))
    yield database
    await database.close()


async def _store_events(database: Database, count: int) -> None:
    drafts = [
        EventDraft(
            event_type="audit",
            source="test",
            message=f"event {number} 🚀",
            objects=[ObjectDraft("node", "n-1")],
            extra='{"größe": 1.10}',
        )
        for number in range(count)
    ]
    report = await ingest_events(database, drafts, home_namespace="default", limits=IngestLimits(), clock=now_micros)
    assert {result.outcome for result in report.results} == {IngestOutcome.ACCEPTED}


async def test_serving_user_can_do_all_that_serving_needs(serving: Database) -> None:
    """EV1, EV2: ingest, positions under a lease, folding of counts."""
    await _store_events(serving, 3)
    await Sequencer(serving).turn()
    await CountFolder(serving).turn()
    assert (await fetch_live_position(serving), await fetch_event_rows(serving)) == (1, 3)


def test_gateway_serves_as_the_serving_user(
    granted: MariaServer, gateway_process: Callable[..., GatewayProcess]
) -> None:
    """GQ8: ingest, timelines, positions and folding of counts without any right on tables."""
    gateway = gateway_process(url_of(granted, "timeloom_serve"))
    link = [{"objectType": "node", "objectId": "n-1"}]
    event = {"eventType": "audit", "source": "test", "message": "served", "objects": link}
    assert gateway.execute(INGEST, {"input": {"events": [event]}}) == {"ingestEvents": {"accepted": 1}}
    wait_for(lambda: gateway.execute(READ)["events"]["livePosition"] == "1", "the position")
    wait_for(lambda: granted.execute("SELECT COUNT(*) FROM timeloom.event_count_deltas") == [(0,)], "folding")
    assert gateway.execute(READ)["object"]["timeline"]["nodes"] == [{"message": "served"}]
    assert "timeloom_background_restarts_total{" not in gateway.get("/metrics").text


async def test_upkeep_works_as_both_users(granted: MariaServer, serving: Database) -> None:
    """GQ8: ids, batches and operations go as timeloom_retain, old arrivals and checks of counts as the serving user."""
    await _store_events(serving, 1)
    await move(serving, await enqueue(serving, now=1), OperationState.COMPLETE, now=2)
    await CountFolder(serving).turn()
    for rows in (
        "deleted_ids VALUES (REPEAT('x', 16), 1, 0)",
        "ingest_batches (received_at, event_count, position) VALUES (0, 1, 100), (1, 1, 200)",
    ):
        granted.execute(f"INSERT INTO timeloom.{rows}")
    removals = await Database.open(url_of(granted, "timeloom_retain"))
    try:
        report = await Upkeep(serving, removals).turn()
    finally:
        await removals.close()
    assert report is not None
    # Of arrivals it is the day of 1970 on which the operation was enqueued.
    assert (report.ids, report.batches, report.operations, report.arrivals, report.drifts) == (1, 1, 1, 1, [])


REMOVE = (
    'mutation ($confirmation: ID) { deleteEvents(input: {filter: {eventTypes: ["audit"]}, dryRun: DRY, '
    "confirmation: $confirmation}) { deletion { id state matched deleted error } } }"
)
LAST_DELETION = "{ deletions(first: 1) { nodes { state deleted error } } }"
RUN = "mutation { runRetention(input: {dryRun: false}) { run { id } } }"
LAST_RUN = "{ retention { lastRun { completed eventsRemoved error } } }"


def test_what_takes_events_away_works_as_its_own_user(
    granted: MariaServer, gateway_process: Callable[..., GatewayProcess]
) -> None:
    """GQ8, L4, GQ4: deletions and retention as timeloom_retain, beside a serving user who may delete no event."""
    settings = {
        "TIMELOOM_REMOVAL_DATABASE_URL": url_of(granted, "timeloom_retain"),
        "TIMELOOM_MAX_STATUS_EVENT_AGE_SECONDS": "1",
    }
    gateway = gateway_process(url_of(granted, "timeloom_serve"), settings=settings)
    events = [{"eventType": name, "source": "test", "message": "goes"} for name in ("audit", "status")]
    assert gateway.execute(INGEST, {"input": {"events": events}}) == {"ingestEvents": {"accepted": 2}}
    preview = gateway.execute(REMOVE.replace("DRY", "true"))["deleteEvents"]["deletion"]
    assert (preview["state"], preview["matched"]) == ("PREVIEWED", 1)
    gateway.execute(REMOVE.replace("DRY", "false"), {"confirmation": preview["id"]})
    done = {"state": "DONE", "deleted": 1, "error": None}
    wait_for(lambda: gateway.execute(LAST_DELETION)["deletions"]["nodes"] == [done], "the deletion")

    def removed() -> bool:
        # It may begin before the event is older than its second: then another run takes it.
        gateway.execute(RUN)
        run = gateway.execute(LAST_RUN)["retention"]["lastRun"]
        assert run is None or run["error"] is None
        return granted.execute("SELECT COUNT(*) FROM timeloom.events WHERE event_type = 'status'") == [(0,)]

    wait_for(removed, "retention")


def run_as(server: MariaServer, user: str, statement: str) -> int:
    """Run one statement as a user of grants.sql, take it back, and give its rows."""
    connection: Any = pymysql.connect(
        host="127.0.0.1", port=server.port, user=user, password=f"{user}-secret", database="timeloom"
    )
    with closing(connection), connection.cursor() as cursor:
        rows: int = cursor.execute(statement)
        connection.rollback()
        return rows


REFUSED = {
    "timeloom_serve": [
        "DROP TABLE leases",
        "CREATE TABLE t (a INT)",
        "ALTER TABLE leases ADD b INT",
        "TRUNCATE events",
        "DELETE FROM events",
        "DELETE FROM event_objects",
        "DELETE FROM ingest_batches",
        "DELETE FROM deleted_ids",
        "DELETE FROM deletions",
        "DELETE FROM operations",
        "DELETE FROM operation_targets",
        "DROP TABLE event_count_deltas",
    ],
    "timeloom_retain": [
        "DELETE FROM deletions",
        "DELETE FROM retention_runs",
        "UPDATE retention_policies SET max_age_seconds = 1",
        "DELETE FROM namespaces",
        "UPDATE operations SET is_pending = 0",
        "DROP TABLE events",
        "TRUNCATE events",
        "ALTER TABLE leases ADD b INT",
    ],
    "timeloom_backup": ["DELETE FROM events", "UPDATE leases SET owner = ''"],
}


@pytest.mark.parametrize(
    ("user", "statement"), [(user, each) for user, statements in REFUSED.items() for each in statements]
)
def test_user_may_do_no_more_than_its_work(granted: MariaServer, user: str, statement: str) -> None:
    with pytest.raises(pymysql.err.OperationalError, match="denied"):
        run_as(granted, user, statement)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT id FROM events ORDER BY id, namespace_key LIMIT 10 FOR UPDATE",
        "DELETE FROM event_objects WHERE event_id = X'00'",
        "DELETE FROM events WHERE id = X'00' AND namespace_key = 1",
        "DELETE FROM ingest_batches WHERE batch_key = 0",
        "INSERT INTO deleted_ids (id, namespace_key, deleted_at) VALUES (X'00', 1, 1)",
        "DELETE FROM deleted_ids WHERE deleted_at < 1",
        "UPDATE events SET repeat_count = 2, last_occurred_at = 1, received_at = 1 WHERE id = X'00'",
        "INSERT INTO event_count_deltas SELECT * FROM event_count_deltas",
        "INSERT INTO leases (name, owner, epoch, expires_at, high_water) VALUES ('retention', '', 0, 0, 0)",
        "UPDATE leases SET expires_at = 0 WHERE name = 'retention' AND owner = 'me' AND epoch = 1",
    ],
)
def test_retention_user_can_take_events_away(granted: MariaServer, statement: str) -> None:
    assert run_as(granted, "timeloom_retain", statement) in (0, 1)


def test_serving_user_cannot_migrate(granted: MariaServer) -> None:
    granted.execute("CREATE DATABASE timeloom_restored")
    with pytest.raises(StorageError, match="Access denied"):
        migrate(url_of(granted, "timeloom_serve", "timeloom_restored"))


async def test_dump_of_the_backup_user_can_be_restored(granted: MariaServer, serving: Database) -> None:
    await _store_events(serving, 5)
    await serving.close()
    dump = run_client(
        granted,
        "mariadb-dump",
        *("--protocol=tcp", "--host=127.0.0.1", f"--port={granted.port}"),
        *("--user=timeloom_backup", "--password=timeloom_backup-secret"),
        *("--single-transaction", "--quick", "--hex-blob", "timeloom"),
    )
    collation = "CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin"
    run_client(granted, "mariadb", "-e", f"CREATE DATABASE timeloom_restored {collation}")
    run_client(granted, "mariadb", "timeloom_restored", given=dump)
    query = "SELECT * FROM {}.readable_events ORDER BY id"
    restored = granted.execute(query.format("timeloom_restored"))
    assert len(restored) == 5
    assert restored == granted.execute(query.format("timeloom"))


def test_server_understands_its_settings() -> None:
    done = subprocess.run(
        [command_path("mariadbd"), f"--defaults-file={SERVER_SETTINGS}", "--verbose", "--help"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "unknown" not in done.stderr
    values = dict(line.split(None, 1) for line in done.stdout.splitlines() if len(line.split(None, 1)) == 2)
    expected = {
        "innodb-flush-log-at-trx-commit": "1",
        "innodb-buffer-pool-size": str(4 * 1024**3),
        "max-allowed-packet": str(64 * 1024**2),
        "collation-server": "utf8mb4_nopad_bin",
        "binlog-format": "ROW",
        "sync-binlog": "1",
    }
    assert {name: values[name].strip() for name in expected} == expected
