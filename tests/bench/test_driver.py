"""L1: a whole run of one driver, as short as can be: real servers, every work, every check; times are not looked at."""

import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.comparisons import Comparison
from bench.driver import DriverBench, Effort, Servers, Work
from bench.errors import BenchError
from bench.history import History
from bench.rows import FLOOR, GATEWAY, SECOND_FLOOR, STRAWBERRY
from bench.servers import Server, floor_process, mercurius_process, strawberry_process
from bench.statements import Statements
from bench.stores import Store
from tests.processes import GatewayProcess

SHORT = Effort(
    rounds=1,
    pages_of_1000=1,
    pages_of_50=1,
    connections=1,
    bare=1,
    saturated=16,
    batches=1,
    paced_seconds=0.1,
    panels=2,
)
WORKS = [
    "timeline page, 1000 x 8 fields",
    "timeline page, 50 x 8 fields",
    "requests/s, 16 clients, 50 events",
    "p50 / p95 / p99 at half of that, 50 events",
    "{ __typename } against a bare route",
    "connection page, 200 events with cursors and objects",
    "timeline of a big and a small object",
    "pages of a timeline",
    "dashboard in one request, from the counts",
    "dashboard in one request, by a scan",
    "1000 events of a filter",
    "50 events of a complex filter",
    "memory while reading 2,000 events by pages",
    "export of 2,000 events",
    "ingest, 1000 events x 2 objects per mutation",
    "resident memory while serving all this",
]


@pytest.fixture
def own_store(bench_store: Store, tmp_path: Path) -> Store:
    """A copy, because a run also writes."""
    shutil.copy(bench_store.home / "timeloom.db", tmp_path)
    return Store(tmp_path, None)


@pytest.fixture
def servers(own_store: Store, statements: Statements, tmp_path: Path) -> Iterator[Servers]:
    """A gateway, two floors and stock Strawberry."""
    url, told = own_store.url("sqlite"), statements.write(tmp_path / "statements.json")
    with (
        floor_process(url, told) as floor,
        floor_process(url, told) as second_floor,
        strawberry_process(url, told) as strawberry,
        GatewayProcess(database_url=url, directory=tmp_path, settings={"TIMELOOM_LOG_LEVEL": "warning"}) as gateway,
    ):
        yield Servers(
            gateway=Server(gateway.port, gateway.pid),
            floor=floor.server,
            second_floor=second_floor.server,
            strawberry=strawberry.server,
            mercurius=None,
        )


def test_every_work_is_measured_in_its_rounds(own_store: Store, history: History, servers: Servers) -> None:
    told: Counter[str] = Counter()

    def advance(work: str) -> None:
        told[work] += 1

    driver = DriverBench(
        driver="sqlite", store=own_store, history=history, servers=servers, effort=SHORT, advance=advance
    )
    check, *findings = driver.floor_against_itself(), *driver.findings()
    assert list(dict.fromkeys(finding.work for finding in findings)) == WORKS
    pairs = {"floor against itself": 1, WORKS[0]: 2, WORKS[1]: 2, **dict.fromkeys(WORKS[2:15], 1)}
    assert told == pairs
    compared = [list(finding.raw.sides) for finding in (check, *findings) if isinstance(finding.raw, Comparison)]
    assert compared[:4] == [[SECOND_FLOOR, FLOOR], [GATEWAY, FLOOR], [STRAWBERRY, FLOOR], [GATEWAY, FLOOR]]
    assert [row.target.met for row in findings[-1].rows] == [True], "resident memory is under its target"


def test_only_the_works_that_are_wanted_are_measured(own_store: Store, history: History, servers: Servers) -> None:
    driver = DriverBench(
        driver="sqlite", store=own_store, history=history, servers=servers, effort=SHORT, advance=lambda _: None
    )
    findings = driver.findings([Work.MEMORY, Work.BARE])
    assert [finding.work for finding in findings] == [WORKS[4], WORKS[-1]]


def test_a_peer_that_is_not_installed_is_said_with_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.servers.MERCURIUS", tmp_path)
    with pytest.raises(BenchError, match="`make bench-peers` does that; --no-mercurius leaves it out"):
        mercurius_process("mariadb+asyncmy://nobody@127.0.0.1/nothing", tmp_path / "statements.json")
