"""Peers: installed exactly as they were measured, from whatever registry."""

import json

from bench.servers import MERCURIUS


def test_lock_file_names_no_registry() -> None:
    packages = json.loads((MERCURIUS / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert [name for name, package in packages.items() if "resolved" in package] == []


def test_versions_are_exact() -> None:
    wanted = json.loads((MERCURIUS / "package.json").read_text(encoding="utf-8"))["dependencies"]
    assert sorted(wanted) == ["fastify", "graphql", "mercurius", "mysql2"]
    assert [name for name, version in wanted.items() if not version[0].isdigit()] == []
    assert wanted["graphql"].startswith("16.")
