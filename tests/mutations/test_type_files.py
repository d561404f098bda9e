"""Files of types: what they may say, which holds of several, and what is told of one with a fault (NU1, SY1)."""

from pathlib import Path

import pytest

from gateway.settings import Settings, SettingsError, load_settings
from gateway.type_registries import declared_types
from mutations.type_files import SHIPPED_REGISTRIES, parse_source, read_types
from mutations.type_registry import TypeKey
from storage.severities import Severity
from storage.type_definitions import FOR_EVER, EventTypeRecord, OperationTypeRecord, TargetField
from tests.docs.markdown import ROOT, read_blocks

FULL = """
[severity_words]
Panic = "fatal"

[[event_types]]
name = "disk.state"
category = "state"
subcategory = "disk"
default_severity = "panic"
enabled = false
required_details = ["serial", "serial"]
optional_details = ["model"]
object_types = ["disk"]
max_age_seconds = -1
description = "how a disk is"

[[event_types]]
name = "status"

[[operation_types]]
name = "disk.move"
description = "moves a disk"
target_fields = { disk_uuid = "disk", node = "node" }
"""


def write(directory: Path, text: str, name: str = "types.toml") -> str:
    path = directory / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_a_file_says_all_that_a_definition_can_say(tmp_path: Path) -> None:
    found = declared_types(Settings(type_registries=(f"lab={write(tmp_path, FULL)}",)))
    assert list(found.event_types.values()) == [
        EventTypeRecord(
            namespace="lab",
            name="disk.state",
            category="state",
            subcategory="disk",
            default_severity=Severity.CRITICAL,
            enabled=False,
            required_details=("serial",),
            optional_details=("model",),
            object_types=("disk",),
            max_age_seconds=FOR_EVER,
            description="how a disk is",
        ),
        EventTypeRecord("lab", "status"),
    ]
    fields = (TargetField("disk_uuid", "disk"), TargetField("node", "node"))
    assert list(found.operation_types.values()) == [OperationTypeRecord("lab", "disk.move", fields, "moves a disk")]
    assert found.severity_words == {"lab": {"panic": Severity.CRITICAL}}
    assert [(each.namespace, each.name, each.max_age_seconds) for each in found.ages] == [("lab", "disk.state", -1)]


def test_later_entries_beat_earlier_ones_of_the_same_key(tmp_path: Path) -> None:
    own = write(tmp_path, '[[event_types]]\nname = "sync_error"\ndescription = "ours"')
    settings = Settings(type_registries=f"spacedrive, {own}, a.b={own}, lab=spacedrive")
    found = declared_types(settings).event_types
    assert found[TypeKey(None, "sync_error")] == EventTypeRecord(None, "sync_error", description="ours")
    assert found[TypeKey("a.b", "sync_error")].description == "ours"
    assert found[TypeKey("lab", "sync_error")].default_severity is Severity.ERROR
    assert declared_types(settings).event_places[TypeKey(None, "sync_error")] == own
    assert len(found) == 13 + 13 + 1


EVENT = '[[event_types]]\nname = "one"\n\n[[event_types]]\nname = "two"\n'
FAULTS = {
    "no toml": ("[[event_types", "is no TOML: "),
    "nested without end": ("x = " + "[" * 3000, "is nested too deep: no type needs more than a list or a table"),
    "unknown table": ("[[event_type]]", "event_type is unknown: did you mean event_types?"),
    "one table": ('[event_types]\nname = "a"', "event_types must be written as [[event_types]], once for each type"),
    "no name": ('[[event_types]]\ncategory = "a"', "event_types 1: name is missing: every type needs one"),
    "name of another kind": ("[[event_types]]\nname = 1", "event_types 1: name must be a text, which 1 is not"),
    "empty name": ('[[event_types]]\nname = ""', "name is empty: leave it out, or give it a value"),
    "long name": (f'[[event_types]]\nname = "{"x" * 65}"', "name has 65 characters, more than the 64 that it may have"),
    "unknown key": (f"{EVENT}max_age = 1", "event_types 2 (two): max_age is unknown: did you mean max_age_seconds?"),
    "key far from all": (f"{EVENT}zzz = 1", "event_types 2 (two): zzz is unknown: there are name, category, "),
    "number for a truth value": (f"{EVENT}enabled = 1", "enabled must be true or false, which 1 is not"),
    "truth value for a number": (f"{EVENT}max_age_seconds = true", "max_age_seconds must be a whole number"),
    "list of numbers": (f"{EVENT}object_types = [1]", "object_types must be a list of texts, which [1] is not"),
    "age of nothing": (
        f"{EVENT}max_age_seconds = 0",
        "event_types 2 (two): max_age_seconds must be from 1 to 100000000000, which 0 is not, or -1 for ever",
    ),
    "empty detail": (f'{EVENT}required_details = ["a", ""]', "required_details[1] is empty"),
    "unknown severity": (
        f'{EVENT}default_severity = "bad"',
        "default_severity 'bad' is no severity: use one of trace, ",
    ),
    "duplicate": (f'{EVENT}\n[[event_types]]\nname = "one"', "event_types 3 (one): this name stands in event_types 1"),
    "targets in a list": (
        '[[operation_types]]\nname = "a"\ntarget_fields = ["b"]',
        "operation_types 1 (a): target_fields must be a table of texts, which ['b'] is not",
    ),
    "target of another kind": (
        '[[operation_types]]\nname = "a"\ntarget_fields = { b = 1 }',
        "operation_types 1 (a): target_fields.b must be a text, which 1 is not",
    ),
    "empty target": (
        '[[operation_types]]\nname = "a"\ntarget_fields = { b = "" }',
        "operation_types 1 (a): target_fields[0].object_type is empty",
    ),
    "known word": ('[severity_words]\nHIGH = "info"', "severity_words: HIGH has a severity already: leave it out"),
    "word for no severity": ('[severity_words]\nodd = "bad"', "severity_words: odd 'bad' is no severity: use one of"),
    "words of another kind": ("[severity_words]\nodd = 1", "severity_words: odd must be a text, which 1 is not"),
    "words in a list": ("severity_words = []", "severity_words must be a table of texts, which [] is not"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_named_with_file_and_entry_and_what_would_do(name: str, tmp_path: Path) -> None:
    text, expected = FAULTS[name]
    path = write(tmp_path, text)
    with pytest.raises(SettingsError) as raised:
        declared_types(Settings(type_registries=(path,)))
    assert str(raised.value).startswith(f"TIMELOOM_TYPE_REGISTRIES: {path}: ")
    assert expected in str(raised.value)


def test_an_entry_of_the_setting_that_names_nothing_is_refused(tmp_path: Path) -> None:
    for entry, expected in {
        "shakenfist": "'shakenfist' is neither a shipped registry (nuvla, open-horizon, shaken-fist, spacedrive) nor",
        "a b=nuvla": "namespace 'a b' is not made of 1 to 64 of A-Z a-z 0-9 . _ - (in 'a b=nuvla')",
        "timeloom=nuvla": "the namespace timeloom is closed to clients (in 'timeloom=nuvla')",
        "lab=": "'lab=' is neither a shipped registry",
    }.items():
        with pytest.raises(SettingsError) as raised:
            load_settings(environment={"TIMELOOM_TYPE_REGISTRIES": entry})
        assert str(raised.value).startswith("TIMELOOM_TYPE_REGISTRIES: ")
        assert expected in str(raised.value)
    with pytest.raises(SettingsError, match=r"gone\.toml: cannot be read \(No such file or directory\)"):
        declared_types(Settings(type_registries=(str(tmp_path / "gone.toml"),)))
    assert parse_source("/etc/a=b.toml").namespace is None


def test_the_documented_file_is_one(tmp_path: Path) -> None:
    [block] = [each for each in read_blocks(ROOT / "docs/event-types.md") if each.language == "toml"]
    found = declared_types(Settings(type_registries=(write(tmp_path, block.text),)))
    [event_type] = found.event_types.values()
    assert (event_type.default_severity, event_type.max_age_seconds) == (Severity.CRITICAL, 2_592_000)
    assert [len(each.target_fields) for each in found.operation_types.values()] == [2]


def test_shipped_registries_have_the_values_of_the_requirements() -> None:
    """EV8, SY1, SY6, NU1, HZ1."""
    found = {name: read_types([parse_source(name)]) for name in SHIPPED_REGISTRIES}
    cluster = found["shaken-fist"]
    assert {each.name for each in cluster.event_types.values()} == {
        "audit",
        "mutate",
        "status",
        "usage",
        "resources",
        "prune",
        "health",
        "historic",
    }
    assert cluster.ages == []
    sync = found["spacedrive"]
    assert {each.max_age_seconds for each in sync.ages} == {7 * 86_400}
    assert len(sync.ages) == 13
    assert {each.category for each in sync.event_types.values()} == {"lifecycle", "data_flow", "network", "error"}
    errors = {each.name for each in sync.event_types.values() if each.default_severity is Severity.ERROR}
    assert errors == {"sync_error", "backfill_session_failed"}
    server = found["nuvla"].event_types.values()
    assert {each.category for each in server} == {
        "add",
        "edit",
        "delete",
        "action",
        "state",
        "alarm",
        "email",
        "user",
        "command",
        "crud",
    }
    assert {each.default_severity for each in server if each.name.endswith(".failed")} == {Severity.ERROR}
    edge = found["open-horizon"].event_types.values()
    assert {each.category for each in edge} == {"node", "agreement", "service", "exchange"}
    ranks = [Severity.INFO, Severity.WARNING, Severity.ERROR, Severity.CRITICAL]
    assert sorted({each.default_severity for each in edge}) == ranks
