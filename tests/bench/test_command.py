"""The command: its help, and how it ends."""

import pytest
from typer.testing import CliRunner

from bench.__main__ import app
from bench.errors import BenchError, VoidRunError


def test_help_shows_examples_and_what_the_exit_codes_mean() -> None:
    shown = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "120", "NO_COLOR": "1"}).output
    for text in (
        "python -m bench --quick --driver asyncmy --no-mercurius",
        "python -m bench --big --driver aiomysql --rounds 20",
        "Exit code 0: measured",
        "3: void",
        "[default: 1000000]",
    ):
        assert text in shown


@pytest.mark.parametrize(
    ("error", "code"), [(VoidRunError("the machine is too busy"), 3), (BenchError("a peer is missing"), 1)]
)
def test_a_run_that_cannot_be_reported_prints_no_table(
    error: BenchError, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> None:
        raise error

    monkeypatch.setattr("bench.__main__._Run.measure", fail)
    result = CliRunner().invoke(app, ["--quick"])
    assert (result.exit_code, result.stdout) == (code, "")
    assert str(error) in result.stderr


def test_a_setting_that_nobody_knows_is_refused_before_anything_is_loaded() -> None:
    result = CliRunner().invoke(app, ["--quick", "--setting", "scan_row=1000"])
    assert (result.exit_code, result.stdout) == (1, "")
    assert "TIMELOOM_SCAN_ROW in the environment is no setting: did you mean TIMELOOM_SCAN_ROWS?" in result.stderr
