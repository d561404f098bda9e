"""Settings: one table with every name, default, unit and meaning; read from flags, environment and a file.

`Settings` is the table. `timeloom settings` prints it and docs/settings.md is made from it. A value is taken from the
first that has one: a flag of the command, TIMELOOM_<NAME> in the environment, the TOML file named by `--config` or
TIMELOOM_CONFIG, the default. A name that nobody knows is refused, wherever it stands: a misspelt limit must not be a
limit that does not hold.
"""

import difflib
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from mutations.schedules import parse_time_of_day
from mutations.type_files import parse_source

PREFIX = "TIMELOOM_"
CONFIG_VARIABLE = "TIMELOOM_CONFIG"
DEFAULT_DATABASE_URL = "sqlite+aiosqlite:///data/timeloom.db"

WELL_KNOWN_EVENT_TYPES = (
    *("audit", "mutate", "status", "usage", "resources", "prune", "health", "historic"),
    *("state_transition", "backfill_session_started", "backfill_session_completed", "backfill_session_failed"),
    *("catch_up_session_started", "catch_up_session_completed", "batch_ingestion"),
    *("backfill_request_sent", "backfill_request_received", "backfill_response_sent"),
    *("peer_connected", "peer_disconnected", "sync_error"),
)
"""The event types of requirements EV8 and SY1."""

NAMESPACE_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_QUOTA = re.compile(r"-1|[0-9]{1,15}", re.ASCII)

Names = Annotated[tuple[str, ...], NoDecode]
Count = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0)]
_LONGEST_SECONDS = 100_000_000_000
"""Some 3,000 years: in microseconds it is far from what a column holds, in either direction."""
WholeSeconds = Annotated[int, Field(ge=1, le=_LONGEST_SECONDS)]


def _require_age(value: int) -> int:
    if value == 0:
        raise ValueError("must be 1 or more, or -1 to keep for ever")
    return value


Age = Annotated[int, Field(ge=-1, le=_LONGEST_SECONDS), AfterValidator(_require_age)]


class SettingsError(Exception):
    """A setting that cannot be used; the text names it, where it stands and what would do."""


class Settings(BaseSettings):
    """Every setting of the gateway. Units stand in the names; lists are written with commas in the environment."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid", env_ignore_empty=False)

    database_url: str = Field(
        DEFAULT_DATABASE_URL,
        description="Where events are stored, as an SQLAlchemy URL: sqlite+aiosqlite:///path, mariadb+aiomysql://..., "
        "mariadb+asyncmy://...",
        json_schema_extra={"flag": "--database"},
    )
    removal_database_url: str = Field(
        "",
        description="The same database, with a user who may take events away (deletions, retention). Empty: that is "
        "done as the user of TIMELOOM_DATABASE_URL.",
    )
    pool_size: Count = Field(10, description="Connections to the database that each worker may hold.")
    connect_timeout_seconds: Seconds = Field(5.0, description="How long opening a connection may take.")
    statement_timeout_seconds: Seconds = Field(10.0, description="How long one reading statement may take.")
    write_timeout_seconds: Seconds = Field(
        30.0, description="How long one batch may take to be stored, with all its retries."
    )
    query_timeout_seconds: Seconds = Field(30.0, description="How long one query may take as a whole.")
    panel_timeout_seconds: Seconds = Field(
        10.0,
        description="How long a histogram, facets, statistics, a total or a tree may take; then it alone is null, with "
        "an error.",
    )
    scan_rows: Count = Field(
        100_000, description="Index entries that a page examines at most; then it ends early and says so (searchedTo)."
    )

    host: str = Field(
        "127.0.0.1",
        description="Address to listen on. Without authentication only loopback addresses are taken.",
        json_schema_extra={"flag": "--host"},
    )
    port: int = Field(
        8000,
        ge=0,
        le=65_535,
        description="Port to listen on; 0 takes a free one.",
        json_schema_extra={"flag": "--port"},
    )
    workers: Count = Field(1, description="Server processes.", json_schema_extra={"flag": "--workers"})
    allowed_hosts: Names = Field(
        ("localhost", "127.0.0.1", "[::1]"),
        description="Host headers that are answered, checked first (421 for others). Without a port: any port.",
    )
    insecure: bool = Field(
        False,
        description="Says that serving without authentication is meant: on loopback, everyone an administrator.",
        json_schema_extra={"flag": "--insecure"},
    )
    shutdown_seconds: Seconds = Field(20.0, description="How long requests under way may take to finish at shutdown.")
    graphiql: bool = Field(True, description="Whether GraphiQL is served at /graphiql.")
    log_format: Literal["console", "json"] = Field("console", description="Log lines for people or for machines.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="The least that is logged.")
    metrics_event_types: Names = Field(
        WELL_KNOWN_EVENT_TYPES,
        description="Event types with a metric label of their own; all others are counted as `other`.",
    )

    execution: Literal["compiled", "stock"] = Field(
        "compiled",
        description="Who executes operations: compiled plans, or graphql-core's own executor, which gives the same "
        "answers and takes several times as long.",
    )
    home_namespace: str = Field(
        "default", description="Namespace of events that name none, as long as there is no authentication."
    )
    max_batch_events: Count = Field(5_000, description="Events in one batch.")
    max_batch_bytes: Count = Field(16 * 1024 * 1024, description="Bytes of one request body.")
    max_batch_references: Count = Field(20_000, description="References to objects in one batch.")
    max_event_objects: Count = Field(100, description="Objects of one event.")
    max_message_bytes: Count = Field(65_536, description="Bytes of a message in UTF-8.")
    max_extra_bytes: Count = Field(1024 * 1024, description="Bytes of extra in UTF-8.")
    max_extra_depth: Annotated[int, Field(ge=1, le=30)] = Field(30, description="Levels of lists and objects in extra.")
    max_future_seconds: Annotated[int, Field(ge=0)] = Field(
        600, description="How far ahead of the gateway's clock a timestamp may be."
    )

    type_registries: Names = Field(
        (),
        description="Types of events and operations, beside those that mutations define: names of shipped registries "
        "(nuvla, open-horizon, shaken-fist, spacedrive) and paths of TOML files, with namespace= before what holds in "
        "one namespace only, such as sync=spacedrive,/etc/timeloom/types.toml. Later ones beat earlier ones, and all "
        "of them what mutations define.",
    )
    unknown_event_types: Literal["accept", "refuse"] = Field(
        "accept", description="Whether events of types that nobody has registered are stored, or REJECTED."
    )

    quota_events_per_day: int = Field(
        -1,
        ge=-1,
        description="Events of one namespace that may arrive in a UTC day; those beyond it are deferred. -1: no quota.",
    )
    namespace_quotas: Names = Field(
        (),
        description="Quotas of single namespaces, which take the place of TIMELOOM_QUOTA_EVENTS_PER_DAY: "
        "name=events,... such as payments=1000000,lab=-1.",
    )
    resend_horizon_seconds: WholeSeconds = Field(
        2_592_000,
        description="How long ids of deleted events, and positions of batches without events, are remembered: as long "
        "as anybody may send an event again.",
    )

    archive_url: str = Field(
        "",
        description="Where events are archived before retention removes them: a directory, or a URL that fsspec knows. "
        "Empty: nowhere, and policies with `archive` remove nothing.",
        json_schema_extra={"flag": "--url"},
    )

    max_audit_event_age_seconds: Age = Field(
        7_776_000, description="Age at which events of the type audit are removed; -1: never."
    )
    max_mutate_event_age_seconds: Age = Field(
        7_776_000, description="Age at which events of the type mutate are removed; -1: never."
    )
    max_health_event_age_seconds: Age = Field(
        7_776_000, description="Age at which events of the type health are removed; -1: never."
    )
    max_historic_event_age_seconds: Age = Field(
        7_776_000, description="Age at which events of the type historic are removed; -1: never."
    )
    max_usage_event_age_seconds: Age = Field(
        2_592_000, description="Age at which events of the type usage are removed; -1: never."
    )
    max_prune_event_age_seconds: Age = Field(
        2_592_000, description="Age at which events of the type prune are removed; -1: never."
    )
    max_status_event_age_seconds: Age = Field(
        604_800, description="Age at which events of the type status are removed; -1: never."
    )
    max_resources_event_age_seconds: Age = Field(
        604_800, description="Age at which events of the type resources are removed; -1: never."
    )
    max_api_requests_event_age_seconds: Age = Field(
        86_400, description="Age at which references to objects of the type api-requests are removed; -1: never."
    )
    max_operation_age_seconds: Age = Field(
        7_776_000,
        description="How long after its end an operation is removed, its events aside; active ones never are. -1: "
        "never.",
    )
    retention_interval_seconds: WholeSeconds = Field(86_400, description="How often retention runs.")
    retention_time_of_day: str = Field(
        "03:00", description="When retention runs, in UTC; with another interval than a day, one of its times."
    )
    retention_budget_seconds: Seconds = Field(
        3_600.0, description="How long one run of retention may take; the next one goes on where it ended."
    )
    removal_chunk_events: Annotated[int, Field(ge=0)] = Field(
        0, description="Events, and references, that one transaction removes; 0: 10,000, on a Galera cluster 1,000."
    )

    max_tree_events: Annotated[int, Field(ge=1, le=20_000)] = Field(
        10_000, description="Events of one tree (correlation, causation, trace); beyond it the tree is truncated."
    )

    max_query_tokens: Count = Field(10_000, description="Tokens of a GraphQL document.")
    max_query_depth: Count = Field(25, description="Levels of fields in a GraphQL operation.")
    max_query_aliases: Count = Field(
        100, description="Aliases in a GraphQL operation; a field written again in one selection counts as one."
    )
    max_query_directives: Count = Field(50, description="Directives in a GraphQL operation.")
    max_query_cost: Count = Field(
        1_000_000, description="Values that a GraphQL operation can ask for: fields times the sizes of their pages."
    )

    @field_validator("allowed_hosts", "metrics_event_types", "namespace_quotas", "type_registries", mode="before")
    @classmethod
    def _split_names(cls, value: Any) -> Any:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("allowed_hosts")
    @classmethod
    def _fold_hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value:
            raise ValueError("must name at least one host")
        return tuple(host.lower() for host in value)

    @field_validator("namespace_quotas")
    @classmethod
    def _check_quotas(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        parse_quotas(value)
        return value

    @field_validator("type_registries")
    @classmethod
    def _check_registries(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for entry in value:
            parse_source(entry)
        return value

    @field_validator("retention_time_of_day")
    @classmethod
    def _check_time_of_day(cls, value: str) -> str:
        parse_time_of_day(value)
        return value

    @field_validator("home_namespace")
    @classmethod
    def _check_namespace(cls, value: str) -> str:
        if not NAMESPACE_NAME.fullmatch(value):
            raise ValueError("must be 1 to 64 of A-Z a-z 0-9 . _ -")
        if value == "timeloom":
            raise ValueError("must not be timeloom: that namespace is closed to clients")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take only what `load_settings` gives: it knows where each value stands, and says so in its errors."""
        return (init_settings,)


def parse_quotas(entries: Iterable[str]) -> dict[str, int | None]:
    """Read name=events; -1 is no quota. Raises ValueError that names the entry which is wrong."""
    quotas: dict[str, int | None] = {}
    for entry in entries:
        name, _, number = (part.strip() for part in entry.partition("="))
        if not NAMESPACE_NAME.fullmatch(name) or not _QUOTA.fullmatch(number):
            raise ValueError(f"each must be namespace=events (-1: no quota), which {entry!r} is not")
        if name in quotas:
            raise ValueError(f"each namespace must have one quota, {entry!r} is its second")
        quotas[name] = None if number == "-1" else int(number)
    return quotas


@dataclass(frozen=True)
class LoadedSettings:
    """The settings, and where each of them was found (`default`, `TIMELOOM_PORT`, `--port`, or the file)."""

    settings: Settings
    origins: Mapping[str, str]


def load_settings(
    flags: Mapping[str, Any] | None = None,
    *,
    config: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> LoadedSettings:
    """Read every source; a flag that is None was not given. Raises SettingsError."""
    environment = os.environ if environment is None else environment
    values: dict[str, Any] = {}
    origins = dict.fromkeys(Settings.model_fields, "default")
    for found, origin in (
        (_read_file(config, environment)),
        (_read_environment(environment), PREFIX),
        ({name: value for name, value in (flags or {}).items() if value is not None}, "--"),
    ):
        values |= found
        origins |= {name: _origin(name, origin) for name in found}
    try:
        return LoadedSettings(Settings(**values), origins)
    except ValidationError as error:
        raise SettingsError("\n".join(_explain(problem, origins) for problem in error.errors())) from None


def environment_name(name: str) -> str:
    """Give the environment variable of a setting."""
    return PREFIX + name.upper()


def flag_of(name: str) -> str | None:
    """Give the flag of a setting, when it has one."""
    extra = Settings.model_fields[name].json_schema_extra
    return str(extra["flag"]) if isinstance(extra, dict) and "flag" in extra else None


def _origin(name: str, source: str) -> str:
    if source == PREFIX:
        return environment_name(name)
    return flag_of(name) or name if source == "--" else source


def _read_environment(environment: Mapping[str, str]) -> dict[str, str]:
    known = {environment_name(name): name for name in Settings.model_fields}
    given = {name: value for name, value in environment.items() if name.startswith(PREFIX) and name != CONFIG_VARIABLE}
    _refuse_unknown(given, known=(*known, CONFIG_VARIABLE), place="the environment")
    return {known[name]: value for name, value in given.items()}


def _read_file(config: Path | None, environment: Mapping[str, str]) -> tuple[dict[str, Any], str]:
    path = config or (Path(environment[CONFIG_VARIABLE]) if environment.get(CONFIG_VARIABLE) else None)
    if path is None:
        return {}, "file"
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        source = f"it is named by --config or {CONFIG_VARIABLE}"
        raise SettingsError(f"{path}: cannot be read ({error.strerror}); {source}") from error
    except ValueError as error:
        raise SettingsError(f"{path}: is no TOML: {error}") from error
    _refuse_unknown(given, known=Settings.model_fields, place=str(path))
    return given, str(path)


def _refuse_unknown(given: Iterable[str], *, known: Iterable[str], place: str) -> None:
    names = list(known)
    problems = []
    for name in sorted(set(given) - set(names)):
        # Without the prefix: it makes every name look like every other.
        known_by_rest = {each.removeprefix(PREFIX): each for each in names}
        near = difflib.get_close_matches(name.removeprefix(PREFIX), known_by_rest, n=1)
        hint = f"did you mean {known_by_rest[near[0]]}?" if near else "`timeloom settings` lists all there are"
        problems.append(f"{name} in {place} is no setting: {hint}")
    if problems:
        raise SettingsError("\n".join(problems))


def _explain(problem: Any, origins: Mapping[str, str]) -> str:
    name = str(problem["loc"][0])
    text = problem["msg"].removeprefix("Value error, ")
    shown = "" if name.endswith("database_url") else f", not {problem['input']!r}"
    origin = origins.get(name, name)
    place = f" (in {origin})" if origin not in (environment_name(name), flag_of(name)) else ""
    return f"{origin if not place else name}{place}: {text[:1].lower()}{text[1:]}{shown}"
