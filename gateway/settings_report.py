"""The settings table for people (console), programs (JSON), docs/settings.md and deploy/timeloom.env.example."""

import json
import re
import textwrap
from typing import Any

from rich.table import Table

from gateway.settings import CONFIG_VARIABLE, LoadedSettings, Settings, environment_name, flag_of

_PASSWORD = re.compile(r"(://[^:/@]*:)(.*)(@)")


def mask_secrets(text: str) -> str:
    """Give a database URL without its password."""
    return _PASSWORD.sub(r"\1***\3", text)


def to_table(loaded: LoadedSettings) -> Table:
    """Give the table of `timeloom settings`."""
    table = Table(show_lines=False, pad_edge=False, box=None)
    for heading in ("setting", "value", "from", "meaning"):
        table.add_column(heading, overflow="fold", ratio=2 if heading == "meaning" else None)
    for name, spec in Settings.model_fields.items():
        value = mask_secrets(_shown(getattr(loaded.settings, name)))
        table.add_row(environment_name(name), value, loaded.origins[name], spec.description)
    return table


def to_json(loaded: LoadedSettings) -> str:
    """Give what `timeloom settings --json` prints: by name, the value, where it was found, and the table's columns."""
    return json.dumps({name: _entry(name, loaded) for name in Settings.model_fields}, indent=2)


def to_markdown() -> str:
    """Give docs/settings.md."""
    lines = [
        "# Settings",
        "",
        "<!-- Made from gateway/settings.py: `timeloom settings --markdown > docs/settings.md`. -->",
        "",
        "A value is taken from the first that has one: a flag of the command, the environment, the TOML file named by",
        f"`--config` or `{CONFIG_VARIABLE}` (keys in lower case, without the prefix), the default. Unknown names are",
        "refused. `timeloom settings` shows what holds and where it comes from.",
        "",
        "| Environment | Flag | Default | Meaning |",
        "|---|---|---|---|",
    ]
    for name, spec in Settings.model_fields.items():
        flag = flag_of(name)
        default = _shown(spec.default).replace(",", ", ")
        lines.append(
            f"| `{environment_name(name)}` | {f'`{flag}`' if flag else ''} | `{default}` | {spec.description} |"
        )
    return "\n".join(lines) + "\n"


def to_environment() -> str:
    """Give deploy/timeloom.env.example: every setting with its default, commented out.

    systemd, compose and `set -a; . file` read it alike: no value needs quotes.
    """
    lines = [
        "# Made from gateway/settings.py: `timeloom settings --environment > deploy/timeloom.env.example`.",
        "# Every setting with its default. Take the # from those that are to be others; unknown names are refused.",
    ]
    for name, spec in Settings.model_fields.items():
        meaning = textwrap.wrap(spec.description or "", 116, initial_indent="# ", subsequent_indent="# ")
        lines += ["", *meaning, f"#{environment_name(name)}={_shown(spec.default)}"]
    return "\n".join(lines) + "\n"


def _entry(name: str, loaded: LoadedSettings) -> dict[str, Any]:
    value = getattr(loaded.settings, name)
    return {
        "value": mask_secrets(value) if isinstance(value, str) else value,
        "origin": loaded.origins[name],
        "default": Settings.model_fields[name].default,
        "environment": environment_name(name),
        "flag": flag_of(name),
        "meaning": Settings.model_fields[name].description,
    }


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(value)
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)
