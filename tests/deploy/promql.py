"""Prometheus' own tools for the tests of alarms and dashboards: promtool, and which metrics an expression names."""

import re
import subprocess
from pathlib import Path
from typing import Any

import yaml

from tests.databases import command_path
from tests.docs.markdown import ROOT

PROMETHEUS = ROOT / "deploy/prometheus"
RULES = PROMETHEUS / "timeloom.rules.yaml"


def read_rules() -> list[Any]:
    """Give the alarms in order."""
    (group,) = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    rules: list[Any] = group["rules"]
    return rules


def promtool(*arguments: str | Path) -> str:
    """Run promtool and give what it says; fails when it does."""
    command = [command_path("promtool"), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def metrics_of(expression: str) -> set[str]:
    """Give the metrics of ours that an expression names."""
    return set(re.findall(r"\btimeloom_[a-z_]+", expression))


def labels_of(expression: str, label: str) -> set[str]:
    """Give the values of a label that an expression asks for, each of an alternative."""
    found = re.findall(rf'\b{label}=~?"([^"$]*)"', expression)
    return {value for each in found for value in each.split("|")}
