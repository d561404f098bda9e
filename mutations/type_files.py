"""Files of types: registries that are shipped, and TOML files of one's own, read and checked as a whole at start (NU1).

A file declares `[[event_types]]`, `[[operation_types]]` and `[severity_words]`; docs/event-types.md has an example.
"""

import difflib
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mutations.errors import InvalidInputError
from mutations.limits import MAX_TYPE_LENGTH
from mutations.type_definitions import require_definable, require_event_type, require_operation_type
from mutations.type_registry import DeclaredTypes, TypeKey
from storage.severities import SEVERITY_WORDS, Severity
from storage.type_definitions import EventTypeRecord, OperationTypeRecord, TargetField

_SHIPPED = Path(__file__).parent / "registries"
SHIPPED_REGISTRIES = tuple(sorted(path.stem for path in _SHIPPED.glob("*.toml")))
"""The names of the registries that come with Timeloom."""

_Words = dict[str, Severity]


class TypeFileError(Exception):
    """A file of types that cannot be used; the text names the file, the entry and what would do."""


class TypeSource(NamedTuple):
    """Where types are declared, and the namespace for which; None: every namespace."""

    path: Path
    namespace: str | None
    shown: str


def parse_source(entry: str) -> TypeSource:
    """Read one entry of the setting: a shipped registry or a path, with `namespace=` before it when it is bound to one.

    Raises ValueError, which names the entry.
    """
    before, separator, after = entry.partition("=")
    namespace, name = (before, after) if separator and "/" not in before else (None, entry)
    if namespace is not None:
        try:
            require_definable(namespace)
        except InvalidInputError as error:
            raise ValueError(f"{error} (in {entry!r})") from None
    if name in SHIPPED_REGISTRIES:
        return TypeSource(_SHIPPED / f"{name}.toml", namespace, name)
    if "/" in name or name.endswith(".toml"):
        return TypeSource(Path(name), namespace, name)
    shipped = ", ".join(SHIPPED_REGISTRIES)
    raise ValueError(f"{entry!r} is neither a shipped registry ({shipped}) nor the path of a TOML file")


def read_types(sources: Iterable[TypeSource]) -> DeclaredTypes:
    """Read what some files declare; later ones beat earlier ones. Raises TypeFileError for the first fault."""
    event_types: dict[TypeKey, EventTypeRecord] = {}
    operation_types: dict[TypeKey, OperationTypeRecord] = {}
    words: dict[str | None, _Words] = {}
    event_places: dict[TypeKey, str] = {}
    operation_places: dict[TypeKey, str] = {}
    for source in sources:
        declared = _File(source)
        words[source.namespace] = words.get(source.namespace, {}) | declared.words
        for event_type in declared.event_types():
            key = TypeKey(source.namespace, event_type.name)
            event_types[key], event_places[key] = event_type, source.shown
        for operation_type in declared.operation_types():
            key = TypeKey(source.namespace, operation_type.name)
            operation_types[key], operation_places[key] = operation_type, source.shown
    return DeclaredTypes(event_types, operation_types, words, event_places, operation_places)


class _File:
    """One file; everything in it is looked at before anything holds."""

    def __init__(self, source: TypeSource) -> None:
        self._source = source
        self._tables = self._read()
        self._refuse_unknown("", self._tables, ("event_types", "operation_types", "severity_words"))
        self.words = self._severity_words()

    def event_types(self) -> list[EventTypeRecord]:
        """Give the types of events that it declares."""
        return [self._event_type(place, entry) for place, entry in self._entries("event_types", _EVENT_KEYS)]

    def operation_types(self) -> list[OperationTypeRecord]:
        """Give the types of operations that it declares."""
        return [
            self._operation_type(place, entry) for place, entry in self._entries("operation_types", _OPERATION_KEYS)
        ]

    def _event_type(self, place: str, entry: Mapping[str, Any]) -> EventTypeRecord:
        values = {name: value for name, value in entry.items() if name != "default_severity"}
        for name in _LISTS:
            if name in values:
                values[name] = tuple(dict.fromkeys(values[name]))
        if "default_severity" in entry:
            values["default_severity"] = self._severity(place, "default_severity", entry["default_severity"])
        record = EventTypeRecord(namespace=self._source.namespace, **values)
        try:
            require_event_type(record)
        except InvalidInputError as error:
            hint = ", or -1 for ever" if "max_age_seconds" in str(error) else ""
            raise self._fault(place, f"{error}{hint}") from None
        return record

    def _operation_type(self, place: str, entry: Mapping[str, Any]) -> OperationTypeRecord:
        fields = entry.get("target_fields", {})
        for field, object_type in fields.items():
            self._require_kind(place, f"target_fields.{field}", object_type, str)
        targets = tuple(TargetField(field, object_type) for field, object_type in fields.items())
        definition = OperationTypeRecord(self._source.namespace, entry["name"], targets, entry.get("description"))
        try:
            require_operation_type(definition)
        except InvalidInputError as error:
            raise self._fault(place, str(error)) from None
        return definition

    def _read(self) -> dict[str, Any]:
        try:
            return tomllib.loads(self._source.path.read_text(encoding="utf-8"))
        except OSError as error:
            raise self._fault("", f"cannot be read ({error.strerror}): name a TOML file that is there") from error
        except ValueError as error:
            raise self._fault("", f"is no TOML: {error}") from error
        except RecursionError:
            raise self._fault("", "is nested too deep: no type needs more than a list or a table") from None

    def _entries(self, table: str, keys: Mapping[str, type]) -> list[tuple[str, dict[str, Any]]]:
        """Give the entries of a table, each with where it stands, its keys and their kinds checked."""
        entries = self._tables.get(table, [])
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise self._fault("", f"{table} must be written as [[{table}]], once for each type")
        found = []
        seen: dict[str, int] = {}
        for number, entry in enumerate(entries, 1):
            name = entry.get("name")
            place = f"{table} {number}" + (f" ({name})" if isinstance(name, str) else "")
            if name is None:
                raise self._fault(place, "name is missing: every type needs one")
            self._refuse_unknown(place, entry, keys)
            for key, value in entry.items():
                self._require_kind(place, key, value, keys[key])
            if name in seen:
                raise self._fault(place, f"this name stands in {table} {seen[name]} already: make one of the two")
            seen[name] = number
            found.append((place, entry))
        return found

    def _severity_words(self) -> _Words:
        table = self._tables.get("severity_words", {})
        self._require_kind("", "severity_words", table, dict)
        found: _Words = {}
        for word, named in table.items():
            lower = word.lower()
            self._require_kind("severity_words", word, named, str)
            if lower in SEVERITY_WORDS or lower in found:
                raise self._fault("severity_words", f"{word} has a severity already: leave it out")
            if not 1 <= len(word) <= MAX_TYPE_LENGTH:
                raise self._fault("severity_words", f"{word!r} must have 1 to {MAX_TYPE_LENGTH} characters")
            severity = SEVERITY_WORDS.get(named.lower())
            if severity is None:
                raise self._unknown_severity("severity_words", word, named, SEVERITY_WORDS)
            found[lower] = severity
        return found

    def _severity(self, place: str, key: str, word: str) -> Severity:
        words = SEVERITY_WORDS | self.words
        severity = words.get(word.lower())
        if severity is None:
            raise self._unknown_severity(place, key, word, words)
        return severity

    def _unknown_severity(self, place: str, key: str, word: str, words: Iterable[str]) -> TypeFileError:
        return self._fault(place, f"{key} {word!r} is no severity: use one of {', '.join(words)}")

    def _require_kind(self, place: str, key: str, value: object, kind: type) -> None:
        # A truth value is a number to Python, and no age.
        fits = type(value) is kind and (kind is not list or all(isinstance(each, str) for each in value))  # type: ignore[attr-defined]
        if not fits:
            raise self._fault(place, f"{key} must be {_KINDS[kind]}, which {value!r} is not")

    def _refuse_unknown(self, place: str, given: Iterable[str], known: Iterable[str]) -> None:
        names: Sequence[str] = list(known)
        for name in sorted(set(given) - set(names)):
            near = difflib.get_close_matches(name, names, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}"
            raise self._fault(place, f"{name} is unknown: {hint}")

    def _fault(self, place: str, text: str) -> TypeFileError:
        return TypeFileError(": ".join(part for part in (self._source.shown, place, text) if part))


_KINDS: dict[type, str] = {
    str: "a text",
    bool: "true or false",
    int: "a whole number",
    list: "a list of texts",
    dict: "a table of texts",
}
_EVENT_KEYS: dict[str, type] = {
    "name": str,
    "category": str,
    "subcategory": str,
    "default_severity": str,
    "enabled": bool,
    "required_details": list,
    "optional_details": list,
    "object_types": list,
    "max_age_seconds": int,
    "description": str,
}
_OPERATION_KEYS: dict[str, type] = {"name": str, "description": str, "target_fields": dict}
_LISTS = ("required_details", "optional_details", "object_types")
