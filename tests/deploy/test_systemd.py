"""deploy/systemd: the units are understood by systemd, shut in, and agree with the program they start (GQ8)."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest
import typer

from gateway.cli import app
from gateway.settings import Settings, environment_name
from tests.databases import command_path
from tests.docs.markdown import ROOT

UNITS = ROOT / "deploy/systemd"
NAMES = ("timeloom.service", "timeloom-migrate.service")
PREFIX = "/opt/timeloom"
MOST_EXPOSURE = 15
"""Tenths of systemd's 10: what is left is mostly that the service speaks TCP."""


def read_unit(name: str) -> list[tuple[str, str]]:
    """Give the keys and values of a unit, sections and comments left out."""
    lines = (UNITS / name).read_text(encoding="utf-8").splitlines()
    return [(key, value) for line in lines if line[:1].isalpha() for key, _, value in [line.partition("=")]]


def analyze(*arguments: str | Path) -> str:
    """Run systemd-analyze and give what it says; fails when it does."""
    command = [command_path("systemd-analyze"), "--no-pager", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr or done.stdout
    return done.stdout + done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_systemd_understands_the_unit(name: str, tmp_path: Path) -> None:
    """GQ8"""
    program = tmp_path / "bin/timeloom"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    unit = tmp_path / name
    unit.write_text((UNITS / name).read_text(encoding="utf-8").replace(f"{PREFIX}/bin", str(program.parent)))
    assert analyze("verify", "--man=no", unit) == ""


@pytest.mark.parametrize("name", NAMES)
def test_unit_is_shut_in(name: str) -> None:
    analyze("security", "--offline=true", f"--threshold={MOST_EXPOSURE}", UNITS / name)


def test_migrating_is_shut_in_like_serving() -> None:
    kept = ("Protect", "Private", "Restrict", "SystemCall", "IPAddress", "Capability", "Dynamic", "NoNew", "MemoryDeny")
    serving, migrating = ([pair for pair in read_unit(name) if pair[0].startswith(kept)] for name in NAMES)
    assert serving == migrating


@pytest.mark.parametrize("name", NAMES)
def test_unit_starts_a_command_that_exists_and_names_settings_that_exist(name: str) -> None:
    unit = dict(read_unit(name))
    program, command, *flags = shlex.split(unit["ExecStart"])
    assert program == f"{PREFIX}/bin/timeloom"
    assert command in typer.main.get_command(app).commands  # type: ignore[attr-defined]
    assert flags == []
    text = (UNITS / name).read_text(encoding="utf-8")
    known = {environment_name(setting) for setting in Settings.model_fields}
    assert set(re.findall(r"TIMELOOM_[A-Z_]+[A-Z]", text)) - known == set()


def test_stop_takes_no_longer_than_systemd_waits() -> None:
    """Requests under way first, then leases and connections, which take 5 s at most."""
    assert float(dict(read_unit(NAMES[0]))["TimeoutStopSec"]) >= Settings().shutdown_seconds + 2 * 5


def test_passwords_of_serving_and_migrating_stand_in_files_of_their_own() -> None:
    files = [dict(read_unit(name))["EnvironmentFile"] for name in NAMES]
    assert files == ["/etc/timeloom/timeloom.env", "/etc/timeloom/migrate.env"]
