"""deploy/timeloom.env.example is the settings table, and what reads environment files reads it alike (GQ8)."""

import subprocess
from pathlib import Path

from gateway.settings import Settings, environment_name, load_settings
from gateway.settings_report import to_environment
from tests.docs.markdown import ROOT
from tests.processes import run_timeloom

EXAMPLE = ROOT / "deploy/timeloom.env.example"


def uncommented() -> str:
    """The example with every setting in it switched on."""
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    return "\n".join(line.removeprefix("#") for line in lines if line.startswith("#TIMELOOM_")) + "\n"


def test_example_is_the_settings_table(tmp_path: Path) -> None:
    """GQ8"""
    text = EXAMPLE.read_text(encoding="utf-8")
    assert text == to_environment(), "run `timeloom settings --environment > deploy/timeloom.env.example`"
    assert text == run_timeloom("settings", "--environment", directory=tmp_path)


def test_example_holds_every_setting_with_its_default() -> None:
    given = dict(line.split("=", 1) for line in uncommented().splitlines())
    assert list(given) == [environment_name(name) for name in Settings.model_fields]
    assert load_settings(environment=given).settings == Settings()


def test_shell_reads_the_example_as_it_stands(tmp_path: Path) -> None:
    """systemd and compose take the text behind `=` as it is; a shell would change it if it needed quotes."""
    file = tmp_path / "timeloom.env"
    file.write_text(uncommented(), encoding="utf-8")
    script = 'set -a; . "$1"; env -0'
    done = subprocess.run(
        ["sh", "-c", script, "sh", file], env={"PATH": "/usr/bin:/bin"}, check=True, capture_output=True, text=True
    )
    read = {line for line in done.stdout.split("\0") if line.startswith("TIMELOOM_")}
    assert read == set(uncommented().splitlines())
