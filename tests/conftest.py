"""Fixtures of all rooms: real databases, real gateway processes (see CONTRIBUTING.md)."""

import gc
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

from storage.engine import Database
from storage.revisions import migrate
from tests.compiling import share_compiled_statements
from tests.databases import BACKENDS, MARIADB_DRIVERS, FreshDatabases, MariaServer
from tests.processes import GatewayProcess

# The same examples in every run, and no deadline: a busy machine is no failure.
settings.register_profile("timeloom", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("timeloom")

share_compiled_statements()


@pytest.fixture(scope="session")
def mariadb_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaServer]:
    """The MariaDB server of this test process. Whoever kills or pauses one takes `own_mariadb_server`."""
    with MariaServer() as server:
        yield server


@pytest.fixture
def own_mariadb_server() -> Iterator[MariaServer]:
    """A MariaDB server for one test alone: to kill, to pause, to configure."""
    with MariaServer(buffer_pool="64M") as server:
        yield server


@pytest.fixture(scope="session")
def fresh_databases(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> FreshDatabases:
    """The store of databases that the fixtures below take from."""
    home: Path = tmp_path_factory.mktemp("databases")
    return FreshDatabases(home, migrate, lambda: request.getfixturevalue("mariadb_server"))


@pytest.fixture
def new_database_url(fresh_databases: FreshDatabases) -> Iterator[Callable[[str], str]]:
    """`new_database_url(backend)`: a migrated database without rows, as many as a test wants."""
    urls: list[str] = []

    def take(backend: str) -> str:
        urls.append(fresh_databases.take(backend))
        return urls[-1]

    yield take
    for url in urls:
        fresh_databases.release(url)


@pytest.fixture
def empty_database_url(fresh_databases: FreshDatabases) -> Iterator[Callable[[str], str]]:
    """`empty_database_url(backend)`: a database without tables, for tests of migrations and of first starts."""
    urls: list[str] = []

    def take(backend: str) -> str:
        urls.append(fresh_databases.take_empty(backend))
        return urls[-1]

    yield take
    for url in urls:
        fresh_databases.release(url)


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    """SQLite and MariaDB: a test that asks for it runs on both, by one driver or, where drivers matter, by each."""
    name: str = request.param
    return name


@pytest.fixture
def database_url(backend: str, new_database_url: Callable[[str], str]) -> str:
    """A migrated database without rows, on each backend in turn."""
    return new_database_url(backend)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An open Database on `database_url`."""
    opened = await Database.open(database_url)
    yield opened
    await opened.close()


@pytest.fixture
def gateway_process(tmp_path: Path) -> Iterator[Callable[..., GatewayProcess]]:
    """`gateway_process(database_url, settings={...}, arguments=[...])`: a started gateway, ready; killed at the end.

    `start=False` gives it unstarted, for `.start(ready=False)` and `.wait_until_ready(status=503)`.
    """
    processes: list[GatewayProcess] = []

    def launch(database_url: str, *, start: bool = True, **options: Any) -> GatewayProcess:
        process = GatewayProcess(database_url=database_url, directory=tmp_path, **options)
        processes.append(process)
        if start:
            process.start()
        return process

    yield launch
    for process in processes:
        process.close()


ABOUT_DRIVERS = (
    *("test_appends", "test_cancellation", "test_engine", "test_golden", "test_groups", "test_leases"),
    *("test_lending", "test_literals", "test_prepared", "test_reads", "test_retries"),
    # Contracts that are told for each driver: operations, types, problems.
    *("test_operations", "test_operation_lists", "test_targets", "test_object_operations"),
    *("test_type_definitions", "test_types", "test_problems"),
)
"""Modules whose tests run by each driver. What others are about is the same by any: each takes one, by its name."""


LONG = (
    *("model/test_model.py", "fuzz/test_documents.py", "equality/test_documents.py", "system/test_retention.py"),
    *("deploy/test_wheel.py", "storage/test_large_store.py", "system/test_workers.py"),
)
"""Modules with tests of half a minute: they come first, so that no process has one left when the others have ended."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let a test that could run by either driver of MariaDB run by one; half of them take the one, half the other.

    What takes long comes first.
    """
    ids = {item.nodeid for item in items}
    items[:] = [item for item in items if item.path.stem in ABOUT_DRIVERS or not _is_other_drivers(item.nodeid, ids)]
    items.sort(key=lambda item: "/".join(item.path.parts[-2:]) not in LONG)


def _is_other_drivers(nodeid: str, ids: set[str]) -> bool:
    for driver, other in (MARIADB_DRIVERS, MARIADB_DRIVERS[::-1]):
        sibling = nodeid.replace(driver, other)
        if driver in nodeid and sibling in ids:
            first = crc32(nodeid.replace(driver, "").encode()) % 2
            return MARIADB_DRIVERS[first] != driver
    return False


TOGETHER = ("/test_large_store.py", "/test_wheel.py", "/test_workers.py", "/test_graphiql.py")
"""Modules whose tests one process does, because their fixture takes long to make."""


class _Together(LoadScopeScheduling):  # type: ignore[misc]
    """Gives tests to processes one by one, except those of modules with a fixture that takes a minute to make."""

    def _split_scope(self, nodeid: str) -> str:
        module = nodeid.partition("::")[0]
        return module if module.endswith(TOGETHER) else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Say which tests one process does together; xdist's own marks of groups do nothing since pytest 9."""
    return _Together(config, log)


def pytest_collection_finish() -> None:
    """Look for garbage less often, and never in what was imported: that took a tenth of the time of all tests."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--update-golden`: tests/gateway/test_golden.py writes its files instead of comparing them."""
    parser.addoption("--update-golden", action="store_true", help="write the golden files anew")
