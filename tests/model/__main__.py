"""The command: `python -m tests.model --steps N --seed S`, which looks for a difference as long as it is told to."""

import asyncio
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer
from hypothesis import Phase, given, seed, settings

from storage.engine import Database
from storage.revisions import migrate
from tests.databases import MariaServer
from tests.model.histories import HistoryError, Step, histories, tell

STEPS_PER_HISTORY = 125
_PORTION = 20

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def look(
    steps: Annotated[int, typer.Option(min=1, help="How many steps on each database.")] = 50_000,
    first_seed: Annotated[int, typer.Option("--seed", help="Where drawing begins.")] = 0,
    backend: Annotated[
        list[str] | None, typer.Option(help="sqlite, aiomysql, asyncmy. [default: the first two]")
    ] = None,
) -> None:
    """Tell random histories to stores and to the oracle. Exit code 1: they differ; the shortest history is shown.

    Examples:

        python -m tests.model --steps 20000 --seed 7

        python -m tests.model --backend asyncmy
    """
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="timeloom-model-")))
        for name in backend or ("sqlite", "aiomysql"):
            url = f"sqlite+aiosqlite:///{home}/timeloom.db"
            if name != "sqlite":
                server = stack.enter_context(MariaServer())
                server.create_database("timeloom_model")
                url = server.url(name, "timeloom_model")
            migrate(url)
            if not _agree(url, name, steps, first_seed):
                raise typer.Exit(1)


def _agree(url: str, name: str, steps: int, first_seed: int) -> bool:
    told = 0
    with asyncio.Runner() as runner:
        database = runner.run(Database.open(url))
        try:
            while told < steps:
                number = first_seed + told // (_PORTION * STEPS_PER_HISTORY)
                if not _agree_once(runner, database, number):
                    typer.echo(f"{name}: found by --seed {number}", err=True)
                    return False
                told += _PORTION * STEPS_PER_HISTORY
                typer.echo(f"{name}: seed {number}, {told:,} steps", err=True)
        finally:
            runner.run(database.close())
    return True


def _agree_once(runner: asyncio.Runner, database: Database, number: int) -> bool:
    @seed(number)
    @settings(
        max_examples=_PORTION,
        database=None,
        derandomize=False,
        deadline=None,
        report_multiple_bugs=False,
        phases=(Phase.generate, Phase.shrink),
    )
    @given(history=histories(STEPS_PER_HISTORY))
    def agree(history: list[Step]) -> None:
        runner.run(tell(database, history))

    try:
        agree()
    except HistoryError as error:
        typer.echo(str(error))
        return False
    return True


if __name__ == "__main__":
    app()
