"""What deploy/mariadb holds does what docs/operating-mariadb.md says, on a real server."""

import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import closing

import pymysql
import pytest

from mutations.drafts import EventDraft, ObjectDraft
from mutations.ingest import IngestLimits, IngestOutcome, ingest_events
from storage.counts import CountFolder, fetch_event_rows
from storage.engine import Database
from storage.errors import StorageError
from storage.positions import Sequencer, fetch_live_position
from storage.revisions import migrate
from storage.times import now_micros
from tests.databases import MariaServer, command_path
from tests.docs.markdown import ROOT

GRANTS = ROOT / "deploy/mariadb/grants.sql"
SERVER_SETTINGS = ROOT / "deploy/mariadb/timeloom.cnf"
USERS = ("timeloom_serve", "timeloom_migrate", "timeloom_backup")


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
    """A server on which grants.sql has been run as its comment says, and the migrating user has migrated."""
    text = GRANTS.read_text(encoding="utf-8")
    for word, user in zip(("SERVE", "MIGRATE", "BACKUP"), USERS, strict=True):
        assert f"{word}-PASSWORD" in text
        text = text.replace(f"{word}-PASSWORD", f"{user}-secret")
    run_client(mariadb_server, "mariadb", given=text)
    run_client(mariadb_server, "mariadb", given=text)
    migrate(url_of(mariadb_server, "timeloom_migrate"))
    yield mariadb_server
    for name in ("timeloom", "timeloom_restored"):
        mariadb_server.drop_database(name)
    for user in USERS:
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


@pytest.mark.parametrize("statement", ["DROP TABLE leases", "CREATE TABLE t (a INT)", "ALTER TABLE leases ADD b INT"])
def test_serving_user_changes_no_table(granted: MariaServer, statement: str) -> None:
    user = "timeloom_serve"
    connection = pymysql.connect(
        host="127.0.0.1", port=granted.port, user=user, password=f"{user}-secret", database="timeloom"
    )
    with (
        closing(connection),
        connection.cursor() as cursor,
        pytest.raises(pymysql.err.OperationalError, match="denied"),
    ):
        cursor.execute(statement)


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
