"""schema.graphql keeps graphql-eslint's rules for schemas and for Relay, but for the exceptions in rules.js (GQ6)."""

import json
from pathlib import Path

from tests.contract.tools import HERE, SCHEMA, run_tool


def test_the_schema_keeps_the_recommended_and_the_relay_rules() -> None:
    """GQ6: no error; an exception that nothing needs any more is one too."""
    found = run_tool("lint.js", SCHEMA)
    assert [f"{each['rule']} at {each['at']}: {each['message']}" for each in found["unexcused"]] == []
    assert [f"{each['rule']} at {each['at']} is not needed" for each in found["unneeded"]] == []


def test_what_breaks_a_rule_is_found(tmp_path: Path) -> None:
    """One break of each set of rules, told by its place; and the exceptions, which this schema does not need."""
    path = tmp_path / "schema.graphql"
    path.write_text(
        '"""Roots."""\n'
        "type Query {\n"
        '  """Things."""\n'
        "  getThings: [Thing]\n"
        "}\n"
        '"""A thing."""\n'
        "type Thing {\n"
        "  id: ID\n"
        "}\n"
        '"""A page."""\n'
        "type PageInfo {\n"
        "  hasNextPage: Boolean!\n"
        "}\n",
        encoding="utf-8",
    )
    found = run_tool("lint.js", path)
    assert sorted({(each["rule"].removeprefix("@graphql-eslint/"), each["at"]) for each in found["unexcused"]}) == [
        ("naming-convention", "Query.getThings"),
        ("no-unreachable-types", "PageInfo"),
        ("relay-page-info", "PageInfo"),
        ("strict-id-in-types", "Thing"),
    ]
    assert [each["at"] for each in found["unneeded"]] == ["Event.eventType", "Operation.operationType", "@oneOf"]


def test_lock_file_names_no_registry() -> None:
    packages = json.loads((HERE / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert [name for name, package in packages.items() if "resolved" in package] == []


def test_versions_are_exact() -> None:
    wanted = json.loads((HERE / "package.json").read_text(encoding="utf-8"))
    versions = wanted["dependencies"] | wanted["overrides"]
    assert [name for name, version in versions.items() if not version[0].isdigit()] == []
