"""Store ids: what takes events away does so in the store that it was shown, and in no other (L4)."""

import sys
from collections.abc import Callable

import pytest

from gateway.cli import main
from storage.engine import Database
from storage.errors import StorageError
from storage.store_ids import require_same_store

SETTING = "TIMELOOM_REMOVAL_DATABASE_URL"


@pytest.mark.parametrize("backend", ["sqlite", "aiomysql"])
async def test_another_store_is_told_from_the_same(backend: str, new_database_url: Callable[[str], str]) -> None:
    url = new_database_url(backend)
    database, again = await Database.open(url), await Database.open(url)
    other = await Database.open(new_database_url(backend))
    try:
        for _ in range(2):
            await require_same_store(database, again, setting=SETTING)
            with pytest.raises(StorageError, match=f"{SETTING} leads to another store than TIMELOOM_DATABASE_URL"):
                await require_same_store(database, other, setting=SETTING)
        await require_same_store(other, other, setting=SETTING)
    finally:
        for each in (database, again, other):
            await each.close()


def test_commands_refuse_to_take_events_from_another_store(
    new_database_url: Callable[[str], str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("TIMELOOM_DATABASE_URL", SETTING):
        monkeypatch.setenv(name, new_database_url("sqlite"))
    for command in (("serve", "--port", "0"), ("delete", "-s", "severity=error", "--dry-run")):
        monkeypatch.setattr(sys, "argv", ["timeloom", *command])
        with pytest.raises(SystemExit) as ended:
            main()
        assert (ended.value.code, f"{SETTING} leads to another store" in capsys.readouterr().err) == (3, True)
