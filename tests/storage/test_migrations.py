"""Migrations: a migrated schema equals a fresh one, on each database; many may start at once."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, inspect, select, text
from sqlalchemy.engine import make_url

from storage.counts import CountFolder
from storage.engine import Database
from storage.errors import RevisionError, StorageError, StorageUnavailableError
from storage.revisions import current_revision, head_revision, migrate
from storage.tables import event_objects, metadata
from storage.times import MICROSECONDS_PER_MINUTE as MINUTE
from storage.views import readable_events
from tests.databases import free_port
from tests.storage.histories import START, event_id, link, row, store

DATABASES = pytest.mark.parametrize("backend", ["sqlite", "aiomysql"])
OURS = {table.name for table in metadata.sorted_tables}
IN_PLACE = [
    "schema revision 0001 (The first schema.) is in place",
    "schema revision 0002 (Counts by hour and by day.) is in place",
    "schema revision 0003 (What may go: deletions, retention, registrations, folded repeats.) is in place",
    "schema revision 0004 (Operations, types of operations and of events, problems that were seen to.) is in place",
]


@contextmanager
def _plain_engine(url: str) -> Iterator[Engine]:
    parsed = make_url(url)
    driver = "sqlite" if parsed.drivername.startswith("sqlite") else "mariadb+pymysql"
    engine = create_engine(parsed.set(drivername=driver))
    yield engine
    engine.dispose()


def _definitions(engine: Engine) -> dict[str, list[str]]:
    """Give the lines in which the database itself tells each table and view: columns, collations, indexes, checks.

    Sorted, for the order in which indexes were made says nothing.
    """
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            rows = connection.execute(text("SELECT type || ' ' || name, sql FROM sqlite_master WHERE sql IS NOT NULL"))
            return {name: _lines(sql) for name, sql in rows if "alembic" not in name}
        names = [*inspect(connection).get_table_names(), *inspect(connection).get_view_names()]
        shown = {name: connection.execute(text(f"SHOW CREATE TABLE {name}")).one() for name in names}
        own = f"`{engine.url.database}`."
        return {
            name: _lines(definition[1].replace(own, ""))
            for name, definition in shown.items()
            if name in OURS or name == "readable_events"
        }


def _lines(definition: str) -> list[str]:
    # SQLite writes a column that was added later on the line of the one before it.
    lines = re.sub(r"(?<=[A-Z)]), (?=[a-z_]+ [A-Z])", ",\n", definition).splitlines()
    return sorted(line.strip().rstrip(",") for line in lines)


def _reflected(engine: Engine) -> dict[str, Any]:
    """Give what SQLAlchemy reads back, in an order that does not depend on that of creation."""
    inspector = inspect(engine)

    def ordered(items: Any) -> list[str]:
        return sorted(str(sorted(item.items(), key=str)) for item in items)

    return {
        name: (
            ordered({**column, "type": repr(column["type"])} for column in inspector.get_columns(name)),
            ordered(inspector.get_indexes(name)),
            ordered(inspector.get_unique_constraints(name)),
            ordered(inspector.get_check_constraints(name)),
            inspector.get_pk_constraint(name)["constrained_columns"],
            inspector.get_table_options(name),
        )
        for name in OURS
    }


@DATABASES
def test_migrated_schema_equals_fresh_schema(backend, empty_database_url: Callable[[str], str]) -> None:
    migrated_url, fresh_url = empty_database_url(backend), empty_database_url(backend)
    migrate(migrated_url)
    with _plain_engine(fresh_url) as fresh, _plain_engine(migrated_url) as migrated:
        metadata.create_all(fresh)
        assert _reflected(migrated) == _reflected(fresh)
        assert _definitions(migrated) == _definitions(fresh)
        assert {"events", "readable_events"} <= {name.split()[-1] for name in _definitions(fresh)}


@DATABASES
def test_texts_compare_by_code_point_with_their_trailing_blanks(backend, new_database_url) -> None:
    with _plain_engine(new_database_url(backend)) as engine, engine.begin() as connection:
        for name in ("a", "A", "a ", "ä"):
            connection.execute(text("INSERT INTO namespaces (name) VALUES (:name)"), {"name": name})
        assert connection.execute(text("SELECT COUNT(*) FROM namespaces WHERE name = 'a'")).scalar() == 1


@DATABASES
def test_check_refuses_what_is_no_json(backend, new_database_url) -> None:
    """The second line behind ingest: design.md, data model."""
    columns = "id, namespace_key, audience_key, event_type, severity, occurred_at, received_at, source, message, extra"
    statement = (
        f"INSERT INTO events ({columns}, content_hash, batch_key, batch_index)"
        " VALUES (:id, 1, 1, 't', 1, 0, 0, 's', 'm', :extra, :id, 1, 0)"
    )
    with _plain_engine(new_database_url(backend)) as engine:
        with engine.begin() as connection:
            connection.execute(text(statement), {"id": bytes(16), "extra": '{"a": 1.10}'})
        with pytest.raises(Exception, match=r"ck_events_extra_is_json|CHECK constraint"), engine.begin() as connection:
            connection.execute(text(statement), {"id": b"\1" * 16, "extra": "{"})


@DATABASES
def test_migrating_twice_changes_nothing_and_says_nothing(backend, empty_database_url) -> None:
    url = empty_database_url(backend)
    told: list[str] = []
    assert current_revision(url) is None
    assert migrate(url, told.append) == head_revision() == current_revision(url)
    first = list(told)
    migrate(url, told.append)
    assert first == told == IN_PLACE


@DATABASES
def test_gateways_that_start_together_migrate_once(backend, empty_database_url) -> None:
    url = empty_database_url(backend)
    told: list[str] = []
    with ThreadPoolExecutor(6) as pool:
        revisions = list(pool.map(lambda _: migrate(url, told.append), range(6)))
    assert revisions == [head_revision()] * 6
    assert [sentence for sentence in told if "is in place" in sentence] == IN_PLACE


def test_new_stores_are_opened_by_many_at_once(tmp_path: Path) -> None:
    """Of several who turn SQLite's log on at the same moment, all but one are refused at once: they must try again."""
    together = Barrier(8)

    def look(url: str) -> str | None:
        together.wait()
        return current_revision(url)

    with ThreadPoolExecutor(8) as pool:
        for number in range(50):
            url = f"sqlite+aiosqlite:///{tmp_path}/store-{number}.db"
            assert list(pool.map(look, [url] * 8)) == [None] * 8


def test_migration_that_was_killed_half_way_is_finished_by_the_next(empty_database_url) -> None:
    """MariaDB keeps what a crashed migration made: every statement can be run again."""
    url = empty_database_url("aiomysql")
    with _plain_engine(url) as engine:
        for name in ("namespaces", "events"):
            metadata.tables[name].create(engine)
        with engine.begin() as connection:
            connection.execute(text("DROP INDEX ix_events_trace ON events"))
        migrate(url)
        assert {index["name"] for index in inspect(engine).get_indexes("events")} == {
            index.name for index in metadata.tables["events"].indexes
        }


@DATABASES
async def test_counts_by_hour_and_day_are_made_from_those_by_minute(backend, new_database_url) -> None:
    """An older store, whose sums are by minute alone, has all of them after the migration, which may be run twice."""
    url = new_database_url(backend)
    database = await Database.open(url)
    rows = [row(number, occurred_at=START + number * 17 * MINUTE, severity=number % 3) for number in range(300)]
    await store(database, rows)
    await CountFolder(database).turn()
    await database.close()
    with _plain_engine(url) as engine:
        whole = _sums(engine)
        assert [len(found) for found in whole] == [300, 255, 12]
        for _ in range(2):
            with engine.begin() as connection:
                connection.execute(text("DELETE FROM event_hour_counts WHERE severity = 1"))
                connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
            migrate(url)
            assert _sums(engine) == whole


@DATABASES
async def test_the_success_of_events_is_copied_beside_their_references(backend, new_database_url) -> None:
    """An older store has it after the migration, which may be run twice."""
    url = new_database_url(backend)
    database = await Database.open(url)
    outcomes = [True, False, None]
    rows = [
        row(at, success=success, objects=(link("node", "a"), link("node", "b"))) for at, success in enumerate(outcomes)
    ]
    await store(database, rows)
    await database.close()
    wanted = sorted([event_id(at), None if success is None else int(success)] for at, success in enumerate(outcomes))
    with _plain_engine(url) as engine:
        for _ in range(2):
            with engine.begin() as connection:
                connection.execute(text("UPDATE event_objects SET success = NULL"))
                connection.execute(text("UPDATE alembic_version SET version_num = '0003'"))
            migrate(url)
            with engine.connect() as connection:
                found = connection.execute(select(event_objects.c.event_id, event_objects.c.success)).all()
            assert sorted(map(list, found), key=str) == sorted([*wanted, *wanted], key=str)


def _sums(engine: Engine) -> list[list[Any]]:
    tables = ("event_counts", "event_hour_counts", "event_day_counts")
    with engine.connect() as connection:
        return [sorted(map(tuple, connection.execute(text(f"SELECT * FROM {table}")))) for table in tables]


def test_lock_of_a_migration_that_died_is_taken_over(empty_database_url) -> None:
    url = empty_database_url("aiomysql")
    with _plain_engine(url) as engine, engine.begin() as connection:
        connection.execute(
            text(
                "CREATE TABLE migration_locks (name VARCHAR(64) NOT NULL PRIMARY KEY, owner CHAR(32) NOT NULL,"
                " expires_at DATETIME(6) NOT NULL)"
            )
        )
        connection.execute(
            text("INSERT INTO migration_locks VALUES ('migrate', 'dead', UTC_TIMESTAMP(6) - INTERVAL 1 SECOND)")
        )
    migrate(url)
    assert current_revision(url) == head_revision()


@DATABASES
async def test_database_of_a_newer_program_is_refused_and_left_alone(backend, new_database_url) -> None:
    url = new_database_url(backend)
    with _plain_engine(url) as engine, engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(RevisionError, match="a newer Timeloom wrote it"):
        await Database.open(url)
    with pytest.raises(RevisionError, match="9999"):
        migrate(url)
    assert current_revision(url) == "9999"
    with _plain_engine(url) as engine, engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :head"), {"head": head_revision()})


def test_unreachable_database_is_a_storage_error() -> None:
    with pytest.raises(StorageUnavailableError):
        migrate(f"mariadb+aiomysql://u:p@127.0.0.1:{free_port()}/d")
    with pytest.raises(StorageError):
        current_revision(f"mariadb+aiomysql://u:p@127.0.0.1:{free_port()}/d")


async def test_view_shows_people_readable_ids_and_times(backend, new_database_url) -> None:
    database = await Database.open(new_database_url(backend))
    late = 253_402_300_799_999_999
    await store(
        database,
        [row(1, parent_id=event_id(2), severity=4, objects=(link("instance", "i-1"),)), row(3, occurred_at=late)],
        received_at=START + 5,
    )
    columns = (
        "id, namespace, severity, CAST(occurred_at AS CHAR), CAST(received_at AS CHAR), parent_id, registration_id"
    )
    async with database.reading() as connection:
        rows = (await connection.execute(text(f"SELECT {columns} FROM readable_events ORDER BY id"))).all()
    await database.close()
    assert [tuple(each) for each in rows] == [
        (
            event_id(1),
            "default",
            "ERROR",
            "2026-01-01 00:00:00.000001",
            "2026-01-01 00:00:00.000005",
            event_id(2),
            None,
        ),
        (event_id(3), "default", "INFO", "9999-12-31 23:59:59.999999", "2026-01-01 00:00:00.000005", None, None),
    ]


def test_view_of_the_migration_is_the_view_of_the_code(empty_database_url) -> None:
    url = empty_database_url("sqlite")
    migrate(url)
    with _plain_engine(url) as engine, engine.connect() as connection:
        statement = text("SELECT sql FROM sqlite_master WHERE name = 'readable_events'")
        assert connection.execute(statement).scalar_one() == readable_events("sqlite")


def test_migrations_need_nothing_but_storage() -> None:
    code = (
        "import sys, storage.revisions; sys.exit(any(n.split('.')[0] in ('gateway', 'mutations') for n in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
