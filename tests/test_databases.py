"""The fixtures that the other tests stand on: fresh databases, and servers that take kills and pauses."""

from collections.abc import Callable

import pymysql
import pytest
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.engine import Database
from storage.revisions import current_revision, head_revision
from storage.tables import namespaces
from tests.databases import FreshDatabases, MariaServer

NewUrl = Callable[[str], str]


async def add_namespace(url: str, name: str) -> None:
    async def work(connection: AsyncConnection) -> None:
        await connection.execute(insert(namespaces), [{"name": name}])

    database = await Database.open(url)
    try:
        await database.write(work, name="a namespace")
    finally:
        await database.close()


async def namespace_names(database: Database) -> list[str]:
    async with database.reading() as connection:
        return list((await connection.execute(select(namespaces.c.name))).scalars())


async def test_a_used_database_comes_back_without_rows(backend: str, fresh_databases: FreshDatabases) -> None:
    first = fresh_databases.take(backend)
    await add_namespace(first, "left-behind")
    fresh_databases.release(first)

    second = fresh_databases.take(backend)
    database = await Database.open(second)
    assert await namespace_names(database) == []
    await database.close()
    fresh_databases.release(second)


async def test_databases_taken_together_are_different_ones(backend: str, new_database_url: NewUrl) -> None:
    first, second = new_database_url(backend), new_database_url(backend)
    await add_namespace(first, "one")
    await add_namespace(second, "two")
    seen = []
    for url in (first, second):
        database = await Database.open(url)
        seen.append(await namespace_names(database))
        await database.close()
    assert seen == [["one"], ["two"]]


def test_fresh_databases_have_the_newest_revision_and_empty_ones_have_none(
    backend: str, new_database_url: NewUrl, empty_database_url: NewUrl
) -> None:
    assert current_revision(new_database_url(backend)) == head_revision()
    assert current_revision(empty_database_url(backend)) is None


def test_a_killed_server_keeps_what_was_committed(own_mariadb_server: MariaServer) -> None:
    own_mariadb_server.create_database("kept")
    own_mariadb_server.execute("CREATE TABLE numbers (number INT PRIMARY KEY)", "kept")
    own_mariadb_server.execute("INSERT INTO numbers VALUES (7)", "kept")
    own_mariadb_server.kill()
    own_mariadb_server.start()
    assert own_mariadb_server.execute("SELECT number FROM numbers", "kept") == [(7,)]


def test_a_paused_server_says_nothing_until_it_is_resumed(own_mariadb_server: MariaServer) -> None:
    own_mariadb_server.pause()
    with pytest.raises(pymysql.err.OperationalError):
        pymysql.connect(
            host="127.0.0.1",
            port=own_mariadb_server.port,
            user=MariaServer.user,
            password=MariaServer.password,
            connect_timeout=1,
            read_timeout=1,
        )
    own_mariadb_server.resume()
    assert own_mariadb_server.execute("SELECT 1") == [(1,)]


def test_two_servers_run_side_by_side(mariadb_server: MariaServer, own_mariadb_server: MariaServer) -> None:
    assert mariadb_server.port != own_mariadb_server.port
    assert mariadb_server.execute("SELECT @@port") == [(mariadb_server.port,)]
    assert own_mariadb_server.execute("SELECT @@port, @@innodb_flush_log_at_trx_commit") == [
        (own_mariadb_server.port, 1)
    ]


def test_the_user_of_the_tests_may_do_nothing_to_the_server(mariadb_server: MariaServer) -> None:
    with (
        pymysql.connect(
            host="127.0.0.1", port=mariadb_server.port, user=MariaServer.user, password=MariaServer.password
        ) as connection,
        connection.cursor() as cursor,
        pytest.raises(pymysql.err.OperationalError, match="Access denied"),
    ):
        cursor.execute("SET GLOBAL max_connections = 10")
