"""deploy/container: stages that leave everything behind but the program, and a probe that tells the truth (GQ8)."""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable

import pytest
import typer
from packaging.specifiers import SpecifierSet

from gateway.cli import app
from gateway.settings import Settings, environment_name
from tests.databases import free_port
from tests.deploy.containerfile import CONTAINERFILE, Stage, is_sent, read_stages
from tests.docs.markdown import ROOT
from tests.processes import GatewayProcess

PROBE = ROOT / "deploy/container/probe.py"
PAGES, PROGRAM, LAST = read_stages()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_every_stage_builds_on_a_named_series() -> None:
    """GQ8"""
    images = [re.fullmatch(r"docker\.io/library/(\w+):([\d.]+)-(.+)", stage.image) for stage in (PAGES, PROGRAM, LAST)]
    assert [match and (match[1], match[3]) for match in images] == [
        ("node", "bookworm-slim"),
        ("python", "slim-bookworm"),
        ("python", "slim-bookworm"),
    ]
    node, python = images[0], images[2]
    assert node is not None
    assert python is not None
    engines = json.loads((ROOT / "web/package.json").read_text(encoding="utf-8"))["engines"]["node"]
    assert int(node[2]) > int(engines.rpartition(">=")[2].split(".")[0])
    assert SpecifierSet(PROJECT["requires-python"]).contains(python[2])


@pytest.mark.parametrize("stage", [PAGES, PROGRAM, LAST], ids=["pages", "program", "last"])
def test_what_is_copied_is_there_and_sent_to_the_build(stage: Stage) -> None:
    wanted = [source for copy in stage.copies() if copy.stage is None for source in copy.sources]
    assert [source for source in wanted if not (ROOT / source).exists() or not is_sent(source)] == []


def test_neither_store_nor_history_nor_secrets_nor_builds_are_sent() -> None:
    sent = ("web/src/main.tsx", "web/.npmrc", "gateway/cli.py", "storage/migrations/env.py")
    assert [path for path in sent if not is_sent(path)] == []
    kept = (".git/config", "data/timeloom.db", "deploy/secrets/serve.toml", ".venv/bin/python", "tests/conftest.py")
    built = ("gateway/ui/index.html", "web/node_modules/vite/package.json", "storage/__pycache__/a.pyc")
    assert [path for path in (*kept, *built) if is_sent(path)] == []


def test_last_stage_holds_the_program_and_no_tool_that_built_it() -> None:
    assert [(copy.stage, copy.sources, copy.target) for copy in LAST.copies()] == [
        ("program", ["/opt/timeloom"], "/opt/timeloom"),
        (None, ["deploy/container/probe.py"], "/opt/timeloom/probe.py"),
    ]
    assert LAST.values("RUN") == ["chown 10001:10001 ."]
    assert "--without-pip /opt/timeloom" in " ".join(PROGRAM.values("RUN"))


def test_last_stage_runs_as_nobody_in_particular() -> None:
    assert LAST.values("USER") == ["10001:10001"]
    words = [keyword for keyword, _ in LAST.instructions]
    assert words.index("USER") > words.index("RUN")


def test_commands_are_lists_that_exist() -> None:
    """Exec form: signals reach the gateway, not a shell."""
    assert LAST.command("ENTRYPOINT") == ["timeloom"]
    assert LAST.command("CMD")[0] in typer.main.get_command(app).commands  # type: ignore[attr-defined]
    options, _, probe = LAST.values("HEALTHCHECK")[0].partition(" CMD ")
    assert re.fullmatch(r"(--(interval|timeout|start-period)=\d+s ?)+", options)
    assert json.loads(probe) == ["python", "-I", "/opt/timeloom/probe.py", "/healthz"]


def test_what_is_installed_is_pinned_and_not_compiled() -> None:
    installs = re.findall(r"pip (?:--python \S+ )?install .*?(?=&&|$)", " ".join(PROGRAM.values("RUN")))
    assert len(installs) == 2
    assert [line for line in installs if "--only-binary :all: -c constraints.txt" not in line] == []


def test_pages_are_built_as_make_builds_them() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    install, build = PAGES.values("RUN")
    assert f"cd web && {install}" in makefile
    assert build.replace("npm run", "npm --prefix web run") in makefile


def test_labels_and_settings_are_those_of_the_project() -> None:
    labels = dict(re.findall(r'(\S+)="(.*?)"', LAST.values("LABEL")[0]))
    assert labels["org.opencontainers.image.version"] == PROJECT["version"]
    assert f"timeloom:{PROJECT['version']} " in CONTAINERFILE.read_text(encoding="utf-8")
    known = {environment_name(name) for name in Settings.model_fields}
    assert {name for name in LAST.environment() if name.startswith("TIMELOOM_")} <= known


def probe(port: int, path: str) -> subprocess.CompletedProcess[str]:
    """Run the probe as the container's health check does."""
    command = [sys.executable, "-I", str(PROBE), path]
    return subprocess.run(command, env={"TIMELOOM_PORT": str(port)}, capture_output=True, text=True, check=False)


def test_probe_tells_alive_from_ready_from_gone(
    gateway_process: Callable[..., GatewayProcess], new_database_url: Callable[[str], str]
) -> None:
    """GQ7, GQ8: a gateway whose database is away lives and is not ready."""
    ready = gateway_process(new_database_url("sqlite"))
    assert [probe(ready.port, path).returncode for path in ("/healthz", "/readyz")] == [0, 0]
    waiting = gateway_process(f"mariadb+aiomysql://timeloom_serve@127.0.0.1:{free_port()}/timeloom", start=False)
    waiting.start(ready=False)
    waiting.wait_until_ready(status=503)
    assert probe(waiting.port, "/healthz").returncode == 0
    not_ready = probe(waiting.port, "/readyz")
    assert (not_ready.returncode, not_ready.stderr[:5]) == (1, "503: ")
    gone = probe(free_port(), "/healthz")
    assert (gone.returncode, gone.stderr[:10]) == (1, "no answer:")
