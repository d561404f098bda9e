"""The command: `python -m bench`."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from bench.driver import FULL, QUICK, DriverBench, Effort, Servers, Work, with_rounds
from bench.errors import BenchError, VoidRunError
from bench.history import EVENTS_PER_NODE, History
from bench.loading import finish, load
from bench.recording import record_statements
from bench.removals import age_by_occurrence, compare_removals, measure_timelines, removable_until
from bench.report import Report, require_same
from bench.rows import Finding
from bench.servers import Server, floor_process, mercurius_process, strawberry_process, watch_idle
from bench.stores import BIG_BUFFER_POOL, BUFFER_POOL, Facts, Store, describe_machine, mariadb_store, sqlite_store
from gateway.logs import configure_logs
from gateway.settings import SettingsError, load_settings
from storage.times import now_micros
from tests.databases import MARIADB_DRIVERS, DatabaseServerError
from tests.processes import GatewayError, GatewayProcess

MOST_CHECKS = 3
"""So often the floor is measured against itself until it is the same; not once: the run is void."""
EVENTS, QUICK_EVENTS, BIG_EVENTS = 1_000_000, 20_000, 10_000_000
FAILED, VOID = 1, 3

app = typer.Typer(add_completion=False, rich_markup_mode="markdown", pretty_exceptions_enable=False)


class Driver(StrEnum):
    """The drivers there are."""

    AIOMYSQL = "aiomysql"
    ASYNCMY = "asyncmy"
    SQLITE = "sqlite"


@dataclass(frozen=True)
class Plan:
    """What one run measures: `settings` are TIMELOOM_* variables of the gateway."""

    events: int
    effort: Effort
    drivers: list[str]
    buffer_pool: str
    works: list[Work]
    settings: dict[str, str]
    mercurius: bool
    allow_noise: bool


@app.command()
def bench(
    events: Annotated[
        int | None, typer.Option(min=EVENTS_PER_NODE, help="Events in the store. [default: 1000000]")
    ] = None,
    rounds: Annotated[
        int | None, typer.Option(min=2, help="Rounds of each row; a figure to quote needs 12. [default: 12]")
    ] = None,
    driver: Annotated[
        list[Driver] | None, typer.Option(help="Which drivers; may be given several times. [default: all]")
    ] = None,
    big: Annotated[bool, typer.Option("--big", help="10,000,000 events, MariaDB with a buffer pool of 8 GiB.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="A look in a minute: 20,000 events, 4 short rounds.")] = False,
    work: Annotated[
        list[Work] | None, typer.Option(help="Only these works; may be given several times. [default: all]")
    ] = None,
    setting: Annotated[
        list[str] | None, typer.Option(help="A setting of the gateway, such as scan_rows=1000; may be given again.")
    ] = None,
    mercurius: Annotated[bool, typer.Option(help="Whether Mercurius is measured too, beside asyncmy.")] = True,
    allow_noise: Annotated[
        bool, typer.Option("--allow-noise", help="Go on when the machine is too busy; the table is marked VOID.")
    ] = False,
) -> None:
    """Measure the gateway against hand-written endpoints and other GraphQL servers, and print the table.

    It starts a MariaDB, gateways, floors and peers of its own on loopback and ends them again. Exit code 0: measured;
    1: it could not be measured; 3: void, the machine is too busy to tell. Raw figures go to bench/results/.

    Examples:

        python -m bench

        python -m bench --quick --driver asyncmy --no-mercurius

        python -m bench --big --driver aiomysql --rounds 20

        python -m bench --big --driver asyncmy --no-mercurius --work panels
    """
    plan = Plan(
        events=events or (QUICK_EVENTS if quick else BIG_EVENTS if big else EVENTS),
        effort=with_rounds(QUICK if quick else FULL, rounds),
        drivers=list(dict.fromkeys(each.value for each in driver or Driver)),
        buffer_pool=BIG_BUFFER_POOL if big else BUFFER_POOL,
        works=work or list(Work),
        settings=_to_environment(setting or []),
        mercurius=mercurius,
        allow_noise=allow_noise,
    )
    try:
        load_settings(environment=plan.settings)
        run = _Run(plan)
        report = run.measure()
    except VoidRunError as error:
        _say(f"bench: void: {error}")
        raise typer.Exit(VOID) from None
    except (BenchError, DatabaseServerError, GatewayError, SettingsError) as error:
        _say(f"bench: {error}")
        raise typer.Exit(FAILED) from None
    path = report.write()
    typer.echo(report.to_markdown())
    _say(f"raw figures: {path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}")
    if run.void_drivers:
        raise typer.Exit(VOID)


class _Run:
    """One run: stores are loaded once and shared by their drivers."""

    def __init__(self, plan: Plan) -> None:
        self._machine = describe_machine()
        self._plan = plan
        self._findings: list[Finding] = []
        self._facts: dict[str, Facts] = {}
        self._void = False
        self.void_drivers: dict[str, str] = {}
        """Drivers on which nothing was measured, and why."""

    def measure(self) -> Report:
        """Measure every driver. Raises BenchError; VoidRunError when no driver could be measured."""
        groups = (
            (MARIADB_DRIVERS, partial(mariadb_store, buffer_pool=self._plan.buffer_pool)),
            (("sqlite",), sqlite_store),
        )
        with tempfile.TemporaryDirectory(prefix="timeloom_bench_") as scratch:
            for group, open_store in groups:
                if wanted := [each for each in self._plan.drivers if each in group]:
                    with open_store(Path(scratch)) as store:
                        self._measure_store(store, wanted)
        if not self._findings:
            raise VoidRunError(next(iter(self.void_drivers.values())))
        return Report(self._described(), self._facts, self._plan.effort.rounds, self._findings, self._void)

    def _described(self) -> str:
        settings = "".join(f", {name}={value}" for name, value in self._plan.settings.items())
        return f"{self._machine}{settings}"

    def _measure_store(self, store: Store, drivers: list[str]) -> None:
        history = History(self._plan.events, end=now_micros())
        with typer.progressbar(
            length=history.events, label=f"loading for {' and '.join(drivers)}", file=sys.stderr
        ) as bar:
            load(store, store.url(drivers[-1]), history, bar.update)
        _say("making its indexes")
        finish(store)
        self._facts[drivers[0]] = store.facts()
        for driver in drivers:
            try:
                if set(self._plan.works) != {Work.REMOVAL}:
                    self._measure_driver(driver, store, history)
            except VoidRunError as error:
                # What the drivers before it have shown stands.
                self.void_drivers[driver] = str(error)
                _say(f"bench: {driver} is void: {error}")
        if Work.REMOVAL in self._plan.works:
            self._measure_removals(store, history, drivers)

    def _measure_removals(self, store: Store, history: History, drivers: list[str]) -> None:
        """Let each driver remove its part of the history, the first one the oldest."""
        _say("\nletting the history have arrived when it happened")
        age_by_occurrence(store)
        part = history.events // len(drivers)
        for place, driver in enumerate(drivers):
            events, progress = range(place * part, (place + 1) * part), _Progress(driver)
            url = store.url(driver)
            compared = compare_removals(
                url,
                history,
                events=events,
                rounds=self._plan.effort.rounds,
                advance=partial(progress, "removal"),
            )
            self._findings.append(compared)
            settings = {"TIMELOOM_LOG_LEVEL": "warning", **self._plan.settings}
            with GatewayProcess(database_url=url, directory=store.home, settings=settings) as gateway:
                self._findings += measure_timelines(
                    store,
                    url,
                    Server(gateway.port, gateway.pid),
                    history,
                    until=removable_until(history, events),
                    advance=partial(progress, "timelines while retention removes"),
                )

    def _measure_driver(self, driver: str, store: Store, history: History) -> None:
        with _running(driver, store, self._plan) as servers:
            driver_bench = DriverBench(
                driver=driver,
                store=store,
                history=history,
                servers=servers,
                effort=self._plan.effort,
                advance=_Progress(driver),
            )
            check = driver_bench.floor_against_itself()
            for _ in range(MOST_CHECKS - 1):
                # A machine that was busy for a moment may be quiet in the next.
                if check.rows[0].target.met:
                    break
                check = driver_bench.floor_against_itself()
            require_same(check, allow_noise=self._plan.allow_noise)
            self._void = self._void or not check.rows[0].target.met
            self._findings += [check, *driver_bench.findings(self._plan.works)]


@contextmanager
def _running(driver: str, store: Store, plan: Plan) -> Iterator[Servers]:
    """Start everybody who is measured on one driver."""
    url = store.url(driver)
    statements = record_statements(store, driver, plan.settings).write(store.home / f"{driver}.json")
    # Mercurius has a driver of its own, and stands beside the faster of ours.
    mercurius = [mercurius_process(url, statements)] if plan.mercurius and driver == "asyncmy" else []
    own = [floor_process(url, statements), floor_process(url, statements), strawberry_process(url, statements)]
    with (
        ExitStack() as stack,
        GatewayProcess(
            database_url=url, directory=store.home, settings={"TIMELOOM_LOG_LEVEL": "warning", **plan.settings}
        ) as gateway,
    ):
        floor, second_floor, strawberry, *others = [
            stack.enter_context(process).server for process in (*own, *mercurius)
        ]
        yield Servers(
            gateway=watch_idle(Server(gateway.port, gateway.pid)),
            floor=floor,
            second_floor=second_floor,
            strawberry=strawberry,
            mercurius=others[0] if others else None,
        )


class _Progress:
    """Says on stderr which work is measured, with a dot for each round."""

    def __init__(self, driver: str) -> None:
        self._driver = driver
        self._work = ""

    def __call__(self, work: str) -> None:
        if work != self._work:
            typer.echo(f"{'' if not self._work else chr(10)}{self._driver}: {work} ", err=True, nl=False)
            self._work = work
        typer.echo(".", err=True, nl=False)


def _to_environment(settings: list[str]) -> dict[str, str]:
    pairs = (each.partition("=") for each in settings)
    return {f"TIMELOOM_{name.upper()}": value for name, _, value in pairs}


def _say(text: str) -> None:
    typer.echo(text, err=True)


if __name__ == "__main__":
    configure_logs("console", "warning")  # for the application that is asked in this process
    app()
