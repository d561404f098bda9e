"""Settings: one table; flags before environment before file before defaults; nothing unknown is taken."""

import os
from pathlib import Path
from typing import Any

import pytest

from gateway.http import to_quotas
from gateway.settings import (
    DEFAULT_DATABASE_URL,
    WELL_KNOWN_EVENT_TYPES,
    Settings,
    SettingsError,
    environment_name,
    load_settings,
)
from gateway.settings_report import mask_secrets, to_markdown

DOCS = Path(__file__).parents[2] / "docs" / "settings.md"


def write(directory: Path, text: str) -> Path:
    path = directory / "timeloom.toml"
    path.write_text(text)
    return path


def test_without_anything_the_defaults_hold() -> None:
    loaded = load_settings(environment={"HOME": "/home/ann"})
    assert loaded.settings.database_url == DEFAULT_DATABASE_URL
    assert (loaded.settings.host, loaded.settings.port, loaded.settings.workers) == ("127.0.0.1", 8000, 1)
    assert loaded.settings.allowed_hosts == ("localhost", "127.0.0.1", "[::1]")
    assert loaded.settings.metrics_event_types == WELL_KNOWN_EVENT_TYPES
    assert set(loaded.origins.values()) == {"default"}


def test_the_limits_of_ingest_have_the_defaults_of_the_contract() -> None:
    settings = Settings()
    assert (settings.max_batch_events, settings.max_batch_bytes, settings.max_batch_references) == (
        5_000,
        16 * 1024 * 1024,
        20_000,
    )
    assert (settings.max_event_objects, settings.max_message_bytes) == (100, 65_536)
    assert (settings.max_extra_bytes, settings.max_extra_depth, settings.max_future_seconds) == (1_048_576, 30, 600)


def test_the_well_known_event_types_are_those_of_ev8_and_sy1() -> None:
    """EV8, SY1"""
    assert len(WELL_KNOWN_EVENT_TYPES) == len(set(WELL_KNOWN_EVENT_TYPES)) == 8 + 13


def test_flag_beats_environment_beats_file_beats_default(tmp_path: Path) -> None:
    config = write(tmp_path, 'port = 1\nworkers = 2\nhost = "::1"\n')
    environment = {"TIMELOOM_PORT": "3", "TIMELOOM_WORKERS": "4"}
    loaded = load_settings({"port": 5, "workers": None}, config=config, environment=environment)
    assert (loaded.settings.port, loaded.settings.workers, loaded.settings.host) == (5, 4, "::1")
    origins = [loaded.origins[name] for name in ("port", "workers", "host", "scan_rows")]
    assert origins == ["--port", "TIMELOOM_WORKERS", str(config), "default"]


def test_the_file_can_be_named_by_the_environment(tmp_path: Path) -> None:
    config = write(tmp_path, "scan_rows = 7\nallowed_hosts = ['a.example', 'B.example:81']\n")
    settings = load_settings(environment={"TIMELOOM_CONFIG": str(config)}).settings
    assert (settings.scan_rows, settings.allowed_hosts) == (7, ("a.example", "b.example:81"))


def test_quotas_are_numbers_by_namespace() -> None:
    """EV10: -1 is none, in general or for one namespace; 0 takes nothing."""
    assert not to_quotas(load_settings(environment={}).settings)
    environment = {"TIMELOOM_QUOTA_EVENTS_PER_DAY": "5", "TIMELOOM_NAMESPACE_QUOTAS": "a = 1000000, b=-1,c=0"}
    quotas = to_quotas(load_settings(environment=environment).settings)
    assert [quotas.of(name) for name in "abcd"] == [1_000_000, None, 0, 5]


def test_lists_stand_with_commas_in_the_environment() -> None:
    settings = load_settings(environment={"TIMELOOM_ALLOWED_HOSTS": "a.example, [::1]:8000,"}).settings
    assert settings.allowed_hosts == ("a.example", "[::1]:8000")


@pytest.mark.parametrize(
    ("text", "value"), [("true", True), ("1", True), ("false", False), ("0", False), ("no", False), ("on", True)]
)
def test_a_switch_is_read_as_a_word(text: str, value: bool) -> None:
    assert load_settings(environment={"TIMELOOM_GRAPHIQL": text}).settings.graphiql is value


REFUSED: dict[str, tuple[dict[str, str], str]] = {
    "an age beyond all times": (
        {"TIMELOOM_MAX_AUDIT_EVENT_AGE_SECONDS": "10000000000000"},
        "TIMELOOM_MAX_AUDIT_EVENT_AGE_SECONDS: input should be less than or equal to 100000000000",
    ),
    "near miss": (
        {"TIMELOOM_PROT": "1"},
        "TIMELOOM_PROT in the environment is no setting: did you mean TIMELOOM_PORT?",
    ),
    "nothing near": (
        {"TIMELOOM_XYZZY": "1"},
        "TIMELOOM_XYZZY in the environment is no setting: `timeloom settings` li",
    ),
    "no number": ({"TIMELOOM_PORT": "http"}, "TIMELOOM_PORT: input should be a valid integer"),
    "out of range": ({"TIMELOOM_PORT": "65536"}, "TIMELOOM_PORT: input should be less than or equal to 65535"),
    "empty": ({"TIMELOOM_POOL_SIZE": ""}, "TIMELOOM_POOL_SIZE: input should be a valid integer"),
    "zero": ({"TIMELOOM_WORKERS": "0"}, "TIMELOOM_WORKERS: input should be greater than or equal to 1"),
    "no switch": ({"TIMELOOM_GRAPHIQL": "maybe"}, "TIMELOOM_GRAPHIQL: input should be a valid boolean"),
    "no choice": ({"TIMELOOM_LOG_FORMAT": "xml"}, "TIMELOOM_LOG_FORMAT: input should be 'console' or 'json'"),
    "no hosts": ({"TIMELOOM_ALLOWED_HOSTS": " , "}, "TIMELOOM_ALLOWED_HOSTS: must name at least one host"),
    "closed namespace": ({"TIMELOOM_HOME_NAMESPACE": "timeloom"}, "TIMELOOM_HOME_NAMESPACE: must not be timeloom"),
    "bad namespace": ({"TIMELOOM_HOME_NAMESPACE": "a b"}, "TIMELOOM_HOME_NAMESPACE: must be 1 to 64 of A-Z a-z 0-9"),
    "deep extra": ({"TIMELOOM_MAX_EXTRA_DEPTH": "31"}, "TIMELOOM_MAX_EXTRA_DEPTH: input should be less than or equal"),
    "no quota": (
        {"TIMELOOM_NAMESPACE_QUOTAS": "a=1,b=x"},
        "TIMELOOM_NAMESPACE_QUOTAS: each must be namespace=events (-1: no quota), which 'b=x' is not",
    ),
    "two quotas": (
        {"TIMELOOM_NAMESPACE_QUOTAS": "a=1,a=2"},
        "TIMELOOM_NAMESPACE_QUOTAS: each namespace must have one quota, 'a=2' is its second",
    ),
    "negative quota": (
        {"TIMELOOM_QUOTA_EVENTS_PER_DAY": "-2"},
        "TIMELOOM_QUOTA_EVENTS_PER_DAY: input should be greater than or equal to -1",
    ),
    "no file": (
        {"TIMELOOM_CONFIG": "/nowhere.toml"},
        "/nowhere.toml: cannot be read (No such file or directory); it is",
    ),
}


@pytest.mark.parametrize(("environment", "text"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_used_is_refused_with_its_name(environment: dict[str, str], text: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings(environment=environment)
    assert str(refused.value).startswith(text)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("prot = 1", "timeloom.toml is no setting: did you mean port?"),
        ("port = 'x'", "port (in {path}): input should be a valid integer"),
        ("port = ", "timeloom.toml: is no TOML"),
        ("[server]\nport = 1", "server in {path} is no setting"),
    ],
)
def test_a_file_is_read_as_strictly(tmp_path: Path, content: str, text: str) -> None:
    config = write(tmp_path, content)
    with pytest.raises(SettingsError) as refused:
        load_settings(config=config, environment={})
    assert text.format(path=config) in str(refused.value)


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings({"port": -1}, environment={"TIMELOOM_WORKERS": "x"})
    assert [line.split(":")[0] for line in str(refused.value).splitlines()] == ["--port", "TIMELOOM_WORKERS"]


def test_a_bad_database_url_is_not_repeated_in_the_error() -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings({"database_url": 5})
    assert "5" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("mariadb+aiomysql://me:s3cret@db:3306/timeloom", "mariadb+aiomysql://me:***@db:3306/timeloom"),
        ("mariadb+asyncmy://me:p:q@db/t", "mariadb+asyncmy://me:***@db/t"),
        ("mariadb+asyncmy://me:a@b/c@db/t", "mariadb+asyncmy://me:***@db/t"),
        ("mariadb+asyncmy://me@db/t", "mariadb+asyncmy://me@db/t"),
        (DEFAULT_DATABASE_URL, DEFAULT_DATABASE_URL),
    ],
)
def test_passwords_are_masked(url: str, shown: str) -> None:
    assert mask_secrets(url) == shown


def test_docs_settings_md_is_the_table() -> None:
    assert DOCS.read_text() == to_markdown(), "run `timeloom settings --markdown > docs/settings.md`"


def test_every_setting_has_a_meaning_and_numbers_a_unit_or_a_thing_in_their_name() -> None:
    for name, spec in Settings.model_fields.items():
        assert spec.description, name
        assert spec.description.endswith("."), name


def test_the_environment_of_the_tests_sets_nothing() -> None:
    known: set[Any] = {environment_name(name) for name in Settings.model_fields}
    assert not known & set(os.environ)
