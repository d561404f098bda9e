"""The command: `python -m bench`."""

import dataclasses
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bench.errors import BenchError, VoidRunError
from bench.history import EVENTS_PER_NODE, History
from bench.report import Report
from bench.rows import FULL, QUICK, Bench, Effort, Row, require_same
from bench.servers import FloorProcess, Server, watch_idle
from bench.stores import (
    Facts,
    Store,
    describe_machine,
    load,
    mariadb_store,
    record_statements,
    sqlite_store,
    write_statements,
)
from storage.times import now_micros
from tests.databases import MARIADB_DRIVERS, DatabaseServerError
from tests.processes import GatewayError, GatewayProcess

EVENTS, QUICK_EVENTS = 200_000, 20_000
FAILED, VOID = 1, 3

app = typer.Typer(add_completion=False, rich_markup_mode="markdown", pretty_exceptions_enable=False)


class Driver(StrEnum):
    """The drivers there are."""

    AIOMYSQL = "aiomysql"
    ASYNCMY = "asyncmy"
    SQLITE = "sqlite"


@app.command()
def bench(
    events: Annotated[
        int | None, typer.Option(min=EVENTS_PER_NODE, help="Events in the store. [default: 200000]")
    ] = None,
    rounds: Annotated[
        int | None, typer.Option(min=2, help="Rounds of each row; a figure to quote needs 12. [default: 12]")
    ] = None,
    driver: Annotated[
        list[Driver] | None, typer.Option(help="Which drivers; may be given several times. [default: all]")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="A look in a minute: 20,000 events, 4 short rounds.")] = False,
    allow_noise: Annotated[
        bool, typer.Option("--allow-noise", help="Go on when the machine is too busy; the table is marked VOID.")
    ] = False,
) -> None:
    """Measure the gateway against hand-written endpoints and print the table.

    It starts a MariaDB, gateways and floors of its own on loopback and ends them again. Exit code 0: measured;
    1: it could not be measured; 3: void, the machine is too busy to tell. Raw figures go to bench/results/.

    Examples:

        python -m bench

        python -m bench --quick --driver asyncmy

        python -m bench --events 1000000 --rounds 20 --allow-noise
    """
    effort = QUICK if quick else FULL
    effort = dataclasses.replace(effort, rounds=rounds or effort.rounds)
    events = events or (QUICK_EVENTS if quick else EVENTS)
    drivers = list(dict.fromkeys(each.value for each in driver or Driver))
    try:
        run = _Run(events, effort, allow_noise=allow_noise)
        report = run.measure(drivers)
    except VoidRunError as error:
        _say(f"bench: void: {error}")
        raise typer.Exit(VOID) from None
    except (BenchError, DatabaseServerError, GatewayError) as error:
        _say(f"bench: {error}")
        raise typer.Exit(FAILED) from None
    path = report.write()
    typer.echo(report.to_markdown())
    _say(f"raw figures: {path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}")


class _Run:
    """One run: stores are loaded once and shared by their drivers."""

    def __init__(self, events: int, effort: Effort, *, allow_noise: bool) -> None:
        self._machine = describe_machine()
        self._history_events = events
        self._effort = effort
        self._allow_noise = allow_noise
        self._rows: list[Row] = []
        self._facts: dict[str, Facts] = {}
        self._void = False

    def measure(self, drivers: list[str]) -> Report:
        """Measure every driver. Raises BenchError."""
        with tempfile.TemporaryDirectory(prefix="timeloom-bench-") as scratch:
            groups = (
                ([each for each in drivers if each in MARIADB_DRIVERS], mariadb_store),
                (["sqlite"], sqlite_store),
            )
            for group, open_store in groups:
                if wanted := [each for each in group if each in drivers]:
                    with open_store(Path(scratch)) as store:
                        self._measure_store(store, wanted)
        return Report(self._machine, self._facts, self._effort.rounds, self._rows, self._void)

    def _measure_store(self, store: Store, drivers: list[str]) -> None:
        history = History(self._history_events, end=now_micros())
        with typer.progressbar(
            length=history.events, label=f"loading for {' and '.join(drivers)}", file=sys.stderr
        ) as bar:
            load(store.url(drivers[-1]), history, bar.update)
        self._facts[drivers[0]] = store.facts()
        for driver in drivers:
            self._measure_driver(driver, store, history)

    def _measure_driver(self, driver: str, store: Store, history: History) -> None:
        with _servers(driver, store) as (gateway, floors):
            bench = Bench(
                driver=driver,
                store=store,
                history=history,
                gateway=gateway,
                floors=floors,
                effort=self._effort,
                advance=_Progress(driver, self._effort.rounds),
            )
            check = bench.floor_against_itself()
            require_same(check, allow_noise=self._allow_noise)
            self._void = self._void or not check.met
            self._rows += [check, *bench.rows()]


@contextmanager
def _servers(driver: str, store: Store) -> Iterator[tuple[Server, tuple[Server, Server]]]:
    url = store.url(driver)
    statements = write_statements(record_statements(url), store.home / f"{driver}.json")
    settings = {"TIMELOOM_LOG_LEVEL": "warning"}
    with (
        FloorProcess(url, statements) as floor,
        FloorProcess(url, statements) as second,
        GatewayProcess(database_url=url, directory=store.home, settings=settings) as gateway,
    ):
        yield watch_idle(Server(gateway.port, gateway.pid)), (floor.server, second.server)


class _Progress:
    """Says on stderr which row is measured, with a dot for each round."""

    def __init__(self, driver: str, rounds: int) -> None:
        self._driver = driver
        self._rounds = rounds
        self._done = 0

    def __call__(self, work: str) -> None:
        if self._done == 0:
            typer.echo(f"{self._driver}: {work} ", err=True, nl=False)
        self._done += 1
        typer.echo(".", err=True, nl=False)
        if self._done == self._rounds:
            typer.echo(err=True)
            self._done = 0


def _say(text: str) -> None:
    typer.echo(text, err=True)


if __name__ == "__main__":
    app()
