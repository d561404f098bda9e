"""deploy/compose.yaml: understood by compose, on loopback only; its scripts lead to a gateway (GQ8, W3)."""

import os
import re
import shutil
import stat
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pymysql
import pytest
import typer
import yaml

from gateway.cli import app
from gateway.settings import CONFIG_VARIABLE, Settings, environment_name
from tests.databases import MariaServer, command_path
from tests.deploy.containerfile import CONTAINERFILE
from tests.docs.markdown import ROOT
from tests.processes import GatewayProcess, run_timeloom

COMPOSE = ROOT / "deploy/compose.yaml"
SCRIPTS = ROOT / "deploy/compose"


@cache
def read_compose() -> Any:
    """Give the file as compose understands it: merged, checked, with whole paths."""
    command = [command_path("docker-compose"), "--file", str(COMPOSE), "config"]
    environment = {name: value for name, value in os.environ.items() if name != "BUFFER_POOL"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return yaml.safe_load(done.stdout)


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    """The directory that make-secrets fills, in a copy of deploy/."""
    scripts = shutil.copytree(SCRIPTS, tmp_path / "deploy/compose")
    subprocess.run([scripts / "make-secrets"], check=True)
    return tmp_path / "deploy/secrets"


def test_compose_understands_the_file() -> None:
    """GQ8"""
    assert set(read_compose()["services"]) == {"mariadb", "migrate", "gateway"}


def test_nothing_listens_for_other_machines() -> None:
    """W3: the gateway is on the machine's own loopback, where its clients must be."""
    services = read_compose()["services"]
    assert [services[name].get("network_mode") for name in ("migrate", "gateway")] == ["host", "host"]
    published = [port for service in services.values() for port in service.get("ports", [])]
    assert published == ["127.0.0.1:3306:3306/tcp"]
    assert services["gateway"]["environment"].get("TIMELOOM_HOST", Settings().host) == "127.0.0.1"


def test_order_is_database_then_migration_then_gateway() -> None:
    services = read_compose()["services"]
    assert services["migrate"]["depends_on"] == {"mariadb": {"condition": "service_healthy"}}
    assert services["gateway"]["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}
    assert "restart" not in services["migrate"]


@pytest.mark.parametrize("name", ["migrate", "gateway"])
def test_program_is_shut_in_and_given_what_it_knows(name: str) -> None:
    service = read_compose()["services"][name]
    assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
    assert service["security_opt"] == ["no-new-privileges:true"]
    known = {CONFIG_VARIABLE, *map(environment_name, Settings.model_fields)}
    assert set(service["environment"]) <= known
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    assert service["command"][0] in commands
    assert f"--tag {service['image']} " in CONTAINERFILE.read_text(encoding="utf-8")
    (secret,) = service["secrets"]
    assert service["environment"][CONFIG_VARIABLE] == f"/run/secrets/{secret['source']}"


def test_gateway_may_finish_before_it_is_killed() -> None:
    assert read_compose()["services"]["gateway"]["stop_grace_period"] == "40s"
    assert Settings().shutdown_seconds + 2 * 5 < 40


def test_what_is_mounted_is_there() -> None:
    volumes = [str(each) for each in read_compose()["services"]["mariadb"]["volumes"]]
    mounted = [each.split(":")[0] for each in volumes if each.startswith("/")]
    assert [Path(each).relative_to(ROOT / "deploy").as_posix() for each in mounted] == [
        "mariadb/timeloom.cnf",
        "mariadb/grants.sql",
        "compose/make-users",
    ]
    assert [each for each in mounted if not Path(each).is_file()] == []
    read = re.findall(r"/timeloom/\S+", (SCRIPTS / "make-users").read_text(encoding="utf-8"))
    assert [each for each in read if each not in {volume.split(":")[1] for volume in volumes}] == []


def test_secrets_are_those_that_are_asked_for_and_for_nobody_else(secrets: Path) -> None:
    asked = {Path(each["file"]).name for each in read_compose()["secrets"].values()}
    made = {path.name: path.read_text() for path in secrets.iterdir()}
    assert set(made) == asked
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o700
    passwords = [text for name, text in made.items() if name.endswith("-password")]
    assert len(set(passwords)) == 5
    assert [text for text in passwords if not re.fullmatch("[0-9a-f]{48}", text)] == []
    subprocess.run([secrets.parent / "compose/make-secrets"], check=True)
    assert {path.name: path.read_text() for path in secrets.iterdir()} == made, "a second run changed what is in use"


def test_scripts_lead_to_a_gateway_that_serves(
    secrets: Path, own_mariadb_server: MariaServer, gateway_process: Callable[..., GatewayProcess], tmp_path: Path
) -> None:
    """GQ8: what the containers would do, step by step, on a real server."""
    server = own_mariadb_server
    for name in ("root-password", "migrate.toml", "serve.toml"):
        (secrets / name).chmod(0o600)
    (secrets / "root-password").write_text("")  # as the tests' server has it
    script = (secrets.parent / "compose/make-users").read_text(encoding="utf-8")
    script = script.replace("/run/secrets", str(secrets)).replace("/timeloom/", f"{ROOT}/deploy/mariadb/")
    script = script.replace("mariadb --user", f"mariadb --no-defaults --socket={server.socket} --user")
    subprocess.run(["sh", "-c", script], check=True)
    for name in ("serve", "migrate", "retain", "backup"):
        password = (secrets / f"{name}-password").read_text()
        pymysql.connect(host="127.0.0.1", port=server.port, user=f"timeloom_{name}", password=password).close()

    for name in ("migrate.toml", "serve.toml"):
        text = (secrets / name).read_text().replace(":3306/", f":{server.port}/")
        (secrets / name).write_text(text)
    run_timeloom("migrate", settings={CONFIG_VARIABLE: str(secrets / "migrate.toml")}, directory=tmp_path)
    url = (secrets / "serve.toml").read_text().split('"')[1]
    assert "timeloom_serve:" in url
    gateway = gateway_process(url, settings={"TIMELOOM_INSECURE": "true", "TIMELOOM_WORKERS": "2"})
    assert gateway.execute("{ events { nodes { id } } }") == {"events": {"nodes": []}}
