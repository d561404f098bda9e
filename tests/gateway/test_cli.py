"""The command line: what it prints, what it refuses, and with which exit code."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.cli import main
from gateway.settings import Settings
from gateway.version import VERSION
from storage.revisions import current_revision, head_revision
from tests.databases import free_port
from tests.processes import gateway_environment, timeloom_command

ROOT = Path(__file__).parents[2]


def run(directory: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [timeloom_command(), *arguments],
        cwd=directory,
        env=gateway_environment({f"TIMELOOM_{name.upper()}": value for name, value in settings.items()}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@dataclass
class Ended:
    """How a command ended that ran in this process."""

    code: object
    stdout: str
    stderr: str


@pytest.fixture
def run_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Ended]:
    """Run a command that ends at once in this process, which saves importing everything again."""

    def run(*arguments: str, **settings: str) -> Ended:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["timeloom", *arguments])
        for name, value in settings.items():
            monkeypatch.setenv(f"TIMELOOM_{name.upper()}", value)
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        return Ended(ended.value.code, printed.out, printed.err)

    return run


def test_version_and_help(run_here: Callable[..., Ended]) -> None:
    assert run_here("--version").stdout == f"timeloom {VERSION}\n"
    shown = run_here("--help").stdout
    for command in ("serve", "migrate", "demo", "settings", "schema"):
        assert command in shown


@pytest.mark.parametrize("command", ["serve", "migrate", "settings", "schema", "delete", "forget", "prune"])
def test_every_command_has_examples(run_here: Callable[..., Ended], command: str) -> None:
    shown = run_here(command, "--help")
    assert (shown.code, "Example" in shown.stdout, f"timeloom {command}" in shown.stdout) == (0, True, True)


def test_migrate_makes_the_default_store_below_the_working_directory(
    tmp_path: Path, run_here: Callable[..., Ended]
) -> None:
    done = run_here("migrate")
    url = "sqlite+aiosqlite:///data/timeloom.db"
    assert (done.code, done.stdout) == (0, f"{url}: schema revision {head_revision()}\n")
    assert current_revision(f"sqlite+aiosqlite:///{tmp_path}/data/timeloom.db") == head_revision()
    again = run_here("migrate", "--database", url)
    assert (again.stdout, again.stderr) == (done.stdout, "")


def test_migrate_hides_the_password_and_tells_its_steps(
    run_here: Callable[..., Ended], empty_database_url: Callable[[str], str]
) -> None:
    url = empty_database_url("aiomysql")
    done = run_here("migrate", database_url=url)
    assert (done.code, current_revision(url)) == (0, head_revision())
    assert ":***@" in done.stdout
    assert f"schema revision {head_revision()}" in done.stderr


def test_serving_ends_at_once_with_a_fault_in_a_file_of_types(tmp_path: Path, run_here: Callable[..., Ended]) -> None:
    (tmp_path / "types.toml").write_text('[[event_types]]\nname = ""')
    done = run_here("serve", "--port", "0", type_registries="./types.toml", database_url="sqlite+aiosqlite:///none.db")
    assert (done.code, "types.toml: event_types 1 (): name is empty" in done.stderr) == (2, True)


def test_settings_are_shown_with_their_origins(tmp_path: Path, run_here: Callable[..., Ended]) -> None:
    (tmp_path / "t.toml").write_text("scan_rows = 5\n")
    url = "mariadb+aiomysql://me:s3cret@db/t"
    done = run_here("settings", "--json", "--config", "t.toml", port="9000", database_url=url)
    shown = json.loads(done.stdout)
    assert list(shown) == list(Settings.model_fields)
    assert [
        (shown[name]["value"], shown[name]["origin"]) for name in ("scan_rows", "port", "host", "database_url")
    ] == [
        (5, "t.toml"),
        (9000, "TIMELOOM_PORT"),
        ("127.0.0.1", "default"),
        ("mariadb+aiomysql://me:***@db/t", "TIMELOOM_DATABASE_URL"),
    ]
    table = run_here("settings", port="9000", database_url=url).stdout
    assert "TIMELOOM_PORT" in table
    assert "9000" in table
    assert "s3cret" not in table + done.stdout


def test_the_schema_is_schema_graphql(tmp_path: Path) -> None:
    """GQ6"""
    assert run(tmp_path, "schema").stdout == (ROOT / "schema.graphql").read_text()


@pytest.mark.parametrize(
    ("arguments", "settings", "code", "text"),
    [
        (["settings"], {"prot": "1"}, 2, "timeloom: TIMELOOM_PROT in the environment is no setting: did you mean"),
        (["settings"], {"type_registries": "/none.toml"}, 2, "TIMELOOM_TYPE_REGISTRIES: /none.toml: cannot be read"),
        (["serve", "--port", "99999"], {}, 2, "timeloom: --port: input should be less than or equal to 65535"),
        (["serve", "--port", "x"], {}, 2, "Invalid value for '--port'"),
        (["serve", "--host", "0.0.0.0"], {}, 2, "timeloom: host 0.0.0.0: without authentication the server listens on"),
        (["serve", "--host", "0.0.0.0", "--insecure"], {}, 2, "timeloom: host 0.0.0.0: without authentication"),
        (["serve", "--config", "none.toml"], {}, 2, "timeloom: none.toml: cannot be read"),
        (["serve", "--database", "postgresql://x/y"], {}, 3, "begins with one of mariadb+aiomysql"),
        (["migrate", "--database", "nonsense"], {}, 3, "--database, TIMELOOM_DATABASE_URL"),
        (["serve"], {"archive_url": "ss3://u:s3cret@x/y"}, 2, "TIMELOOM_ARCHIVE_URL (--url) ss3://u:***@x/y: "),
        (["serve", "--database", "sqlite+aiosqlite:////proc/none/x.db"], {}, 3, "directory /proc/none cannot be made"),
        (["migrate", "--database", "mariadb+aiomysql://u:s3cret@127.0.0.1:1/t"], {}, 3, "timeloom: "),
        (["unknown"], {}, 2, "No such command 'unknown'"),
    ],
)
def test_a_mistake_is_one_sentence_and_no_traceback(
    run_here: Callable[..., Ended], arguments: list[str], settings: dict[str, str], code: int, text: str
) -> None:
    done = run_here(*arguments, **settings)
    assert (done.code, done.stdout) == (code, "")
    assert text in done.stderr
    assert "Traceback" not in done.stderr
    assert "s3cret" not in done.stderr


def test_a_port_in_use_is_named_with_the_way_out(tmp_path: Path) -> None:
    with_port = free_port()
    with socket.create_server(("127.0.0.1", with_port)):
        done = run(tmp_path, "serve", "--port", str(with_port))
    assert done.returncode == 2
    assert f"127.0.0.1:{with_port}: address already in use; choose others with --host and --port" in done.stderr


def test_serve_refuses_a_server_without_tables_and_names_the_command(
    run_here: Callable[..., Ended], empty_database_url: Callable[[str], str]
) -> None:
    url = empty_database_url("asyncmy")
    done = run_here("serve", "--database", url, "--port", str(free_port()))
    assert done.code == 3
    assert "no Timeloom tables yet" in done.stderr
    assert "run `timeloom migrate --database mariadb+asyncmy://" in done.stderr
    assert current_revision(url) is None


def test_the_commands_need_no_home_and_no_terminal(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"]}
    done = subprocess.run(
        [timeloom_command(), "settings"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
