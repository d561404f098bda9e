"""The wheel, built and installed by the Containerfile's own commands, serves without a checkout (GQ8)."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from storage.revisions import head_revision
from tests.deploy.containerfile import files_sent, read_stages
from tests.docs.markdown import ROOT
from tests.processes import GatewayProcess, gateway_environment

INGEST = "mutation ($input: IngestEventsInput!) { ingestEvents(input: $input) { accepted problems { message } } }"
READ = '{ object(objectType: "volume", objectId: "v-1") { timeline { nodes { message extra } } } server { version } }'


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The environment that the Containerfile's stage `program` makes, in a place of our own."""
    home = tmp_path_factory.mktemp("wheel")
    (stage,) = [each for each in read_stages() if each.name == "program"]
    for copy in stage.copies():
        for source in copy.sources:
            _copy(source if copy.stage is None else copy.target, home / "build")
    for commands in stage.values("RUN"):
        _run(commands.replace("/opt/", f"{home}/opt/"), home / "build")
    return home / "opt/timeloom"


def _copy(source: str, target: Path) -> None:
    """Copy a file or a directory of the checkout as a build would be given it; the pages are those that make built."""
    path = ROOT / source
    inside = files_sent(source) or [each.relative_to(ROOT) for each in path.rglob("*") if each.is_file()]
    for file in [Path(source)] if path.is_file() else inside:
        (target / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / file, target / file)


def _run(commands: str, directory: Path) -> None:
    # Python compiles what it imports by itself; compiling everything would take twice the time of the tests.
    environment = gateway_environment() | {"PIP_NO_COMPILE": "1"}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    done = subprocess.run(
        ["sh", "-euc", commands], cwd=directory, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]


def output(command: Path, *arguments: str, directory: Path) -> str:
    """Run a command of the environment somewhere else and give what it prints."""
    return subprocess.run(
        [command, *arguments], cwd=directory, env=gateway_environment(), check=True, capture_output=True, text=True
    ).stdout


@pytest.fixture(scope="module")
def serving(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """A gateway of the installed wheel on a new SQLite store, in an empty directory."""
    directory = tmp_path_factory.mktemp("serving")
    url = "sqlite+aiosqlite:///data/timeloom.db"
    registries = {"TIMELOOM_TYPE_REGISTRIES": "nuvla,open-horizon,shaken-fist,spacedrive"}
    process = GatewayProcess(
        database_url=url, settings=registries, directory=directory, command=installed / "bin/timeloom"
    )
    with process:
        yield process


def test_everything_comes_from_the_wheel_at_pinned_versions(installed: Path, tmp_path: Path) -> None:
    """GQ8: no pip, no compiler, nothing of development, nothing of the checkout."""
    script = """
import gateway, importlib.metadata, json, mutations, storage
versions = {each.name: each.version for each in importlib.metadata.distributions()}
print(json.dumps([[room.__file__ for room in (gateway, mutations, storage)], versions]))
"""
    files, versions = json.loads(output(installed / "bin/python", "-c", script, directory=tmp_path))
    assert [Path(file).is_relative_to(installed) for file in files] == [True, True, True]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert versions.pop("timeloom-gateway") == project["version"]
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = {canonicalize_name(name): version for name, version in (line.split("==") for line in lines)}
    found = {canonicalize_name(name): version for name, version in versions.items()}
    assert found == {name: pins[name] for name in found}
    assert {"aiomysql", "asyncmy", "starlette"} <= set(found)
    assert not {"pip", "hatchling", "pytest", "mypy", "hypothesis"} & set(found)


def test_schema_and_migrations_are_in_the_wheel(installed: Path, tmp_path: Path) -> None:
    timeloom = installed / "bin/timeloom"
    assert output(timeloom, "schema", directory=tmp_path) == (ROOT / "schema.graphql").read_text(encoding="utf-8")
    url = "sqlite+aiosqlite:///here.db"
    said = output(timeloom, "migrate", "--database", url, directory=tmp_path)
    assert said == f"{url}: schema revision {head_revision()}\n"


def test_mutation_and_query_are_answered(serving: GatewayProcess) -> None:
    link = [{"objectType": "volume", "objectId": "v-1"}]
    event = {"eventType": "audit", "source": "test", "message": "from a wheel", "objects": link, "extra": {"a": 1.10}}
    answer = serving.execute(INGEST, {"input": {"events": [event, {**event, "eventType": "nuvlabox.state"}]}})
    missing = "extra has no 'new-state', which events of the type 'nuvlabox.state' must have"  # the registry is there
    assert answer == {"ingestEvents": {"accepted": 1, "problems": [{"message": missing}]}}
    assert serving.execute(READ) == {
        "object": {"timeline": {"nodes": [{"message": "from a wheel", "extra": {"a": 1.1}}]}},
        "server": {"version": "0.1.0"},
    }


def test_pages_are_served_with_all_that_they_load(serving: GatewayProcess) -> None:
    page = serving.get("/graphiql")
    assert page.status_code == 200
    loaded = re.findall(r'(?:src|href)="(/graphiql/[^"]+)"', page.text)
    assert len(loaded) >= 3
    built = {f"/graphiql/assets/{path.name}" for path in (ROOT / "gateway/ui/assets").iterdir()}
    assert len(built) > 3
    wanted = {*loaded, *built}
    assert {path for path in wanted if serving.get(path).status_code != 200} == set()
