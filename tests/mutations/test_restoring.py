"""Events of the archive come back as they were, once, and nothing else does (NU8)."""

import asyncio
import errno
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from mutations.archives import Archive
from mutations.doubles import Aside
from mutations.errors import ArchiveDamagedError, MutationError
from mutations.restoring import RestoreReport, RestoreSelection
from storage import archive_rows, restores
from storage.appends import AppendOutcome, append_batch
from storage.archive_rows import FoldedRepeat, WholeEvent, fetch_whole_events
from storage.counts import CountFolder
from storage.engine import Database
from storage.folding import Fold, Repeat, fold_events
from storage.removals import delete_references, lock_events, lock_references
from storage.restores import RestoreOutcome, append_restored
from storage.tables import deleted_ids, event_count_deltas, event_counts, events, folded_ids
from tests.databases import MariaServer
from tests.mutations.archiving import LATER, archive, as_returned, every_event, every_place, remove, restore
from tests.mutations.test_archives import EACH_DATABASE, EVERY_FIELD, ON_SQLITE
from tests.proxies import DatabaseProxy
from tests.storage.histories import START, event_id, link, row, store
from tests.waiting import wait_until


async def fold(database: Database, repeats: dict[int, int]) -> None:
    """Make some events repeats of others, as compaction leaves them."""
    places = {place.id: place for place in await every_place(database)}

    async def work(connection: AsyncConnection) -> None:
        for repeat, into in repeats.items():
            place = places[event_id(into)]
            await connection.execute(
                insert(folded_ids).values(
                    id=event_id(repeat),
                    namespace_key=place.namespace_key,
                    into_id=place.id,
                    content_hash=repeat.to_bytes(16, "big"),
                )
            )
            counted = update(events).where(events.c.id == place.id)
            await connection.execute(
                counted.values(repeat_count=events.c.repeat_count + 1, last_occurred_at=START + repeat)
            )

    await database.write(work, name="repeats")


async def totals(database: Database) -> tuple[int, int]:
    """Give rows and occurrences of all counts."""
    found = (0, 0)
    for table in (event_counts, event_count_deltas):
        statement = select(
            func.coalesce(func.sum(table.c.event_rows), 0), func.coalesce(func.sum(table.c.occurrences), 0)
        )
        async with database.reading() as connection:
            rows, occurrences = (await connection.execute(statement)).one()
        found = (found[0] + int(rows), found[1] + int(occurrences))
    return found


async def count(database: Database, table) -> int:
    async with database.reading() as connection:
        return (await connection.execute(select(func.count()).select_from(table))).scalar_one()


@EACH_DATABASE
async def test_what_was_archived_and_removed_comes_back_as_it_was(database: Database, tmp_path: Path) -> None:
    """NU8, EV11: every field, object, reader and repeat; marked, ageing from the return, no DELETED duplicate."""
    kept = Archive(tmp_path.as_uri())
    plain = [row(number, objects=(link("disk", f"d-{number % 3}"),)) for number in range(2, 8)]
    await store(database, [EVERY_FIELD, *plain], received_at=START + 5)
    await fold(database, {20: 3, 21: 3})
    before = await every_event(database)
    await archive(database, kept)
    assert (await every_event(database), await count(database, deleted_ids)) == ([], 9)
    assert await restore(database, kept, dry_run=True) == RestoreReport(files=1, restored=7)
    assert await every_event(database) == []
    assert await restore(database, kept) == RestoreReport(files=1, restored=7)
    after = await every_event(database)
    assert after == [as_returned(event) for event in before]
    assert [event.folded for event in after if event.folded] == [
        (FoldedRepeat(event_id(20), (20).to_bytes(16, "big")), FoldedRepeat(event_id(21), (21).to_bytes(16, "big")))
    ]
    assert (await count(database, deleted_ids), await count(database, folded_ids)) == (0, 2)
    # Seven events, one of which happened three times; two audit events of the restore.
    await CountFolder(database).turn()
    assert await totals(database) == (7 + 2, 9 + 2 - 2)
    resent = await append_batch(
        database, [row(3, objects=plain[1].objects), row(4, content_hash=b"x" * 16)], received_at=LATER
    )
    assert resent == [AppendOutcome.DUPLICATE, AppendOutcome.CONFLICT]


@EACH_DATABASE
async def test_restoring_again_leaves_alone_what_is_stored(database: Database, tmp_path: Path) -> None:
    """NU8: archived twice by a crash between file and removal; restored twice; once with an id that is folded."""
    kept = Archive(str(tmp_path))
    await store(database, [row(number) for number in range(1, 6)])
    await archive(database, kept, deleting=False)
    await archive(database, kept)
    assert await restore(database, kept) == RestoreReport(files=2, restored=5)
    again = await every_event(database)
    assert await restore(database, kept) == RestoreReport(files=2, present=5)
    assert await every_event(database) == again
    await remove(database, [place for place in await every_place(database) if place.id == event_id(2)])
    await fold(database, {2: 1})
    assert await restore(database, kept) == RestoreReport(files=2, present=5)


@ON_SQLITE
async def test_references_that_went_one_after_the_other_come_back_together(database: Database, tmp_path: Path) -> None:
    """R2: archived once for a reference, later with its last one: one event with the objects of both."""
    kept = Archive(str(tmp_path))
    disk, node = link("disk", "d-1"), link("node", "n-1", role="host")
    await store(database, [row(1, objects=(disk, node)), row(2)])
    before = await every_event(database)
    await archive(database, kept, deleting=False)
    places = await every_place(database)

    async def forget_the_disk(connection: AsyncConnection) -> None:
        found = await lock_references(connection, await lock_events(connection, places))
        [references] = found.values()
        await delete_references(connection, [each for each in references if each.object_type == "disk"])

    await database.write(forget_the_disk, name="a removal")
    await archive(database, kept)
    assert await restore(database, kept) == RestoreReport(files=2, restored=2)
    assert await every_event(database) == [as_returned(event) for event in before]


def names_in(directory: Path) -> list[str]:
    return sorted(each.name for each in directory.iterdir())


@ON_SQLITE
async def test_what_stands_in_several_lines_is_put_aside_and_comes_back_in_small_batches(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NU8: an archive of nothing but doubles needs no more memory than any other."""
    monkeypatch.setattr("mutations.doubles._BATCH_BYTES", 1)
    kept = Archive(str(tmp_path / "archive"))
    await store(database, [row(number, objects=(link("disk", f"d-{number}"),)) for number in range(1, 31)])
    before = await every_event(database)
    await archive(database, kept, deleting=False)
    await archive(database, kept)
    sizes: list[int] = []

    async def look(store: Database, some: Sequence[WholeEvent], *, received_at: int) -> list[RestoreOutcome]:
        sizes.append(len(some))
        return await append_restored(store, some, received_at=received_at)

    monkeypatch.setattr("mutations.restoring.append_restored", look)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    assert await restore(database, kept) == RestoreReport(files=2, restored=30)
    assert await every_event(database) == [as_returned(event) for event in before]
    assert (max(sizes), sum(sizes)) == (1, 30)
    assert names_in(tmp_path) == ["archive"]


@ON_SQLITE
async def test_a_restore_with_no_room_for_doubles_says_where(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = Archive(str(tmp_path))
    await store(database, [row(1)])
    await archive(database, kept, deleting=False)
    await archive(database, kept)

    def full(self: Aside, some: Sequence[WholeEvent]) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Aside, "add", full)
    with pytest.raises(MutationError, match=r"timeloom-restore-.*: No space left on device; set TMPDIR"):
        await restore(database, kept)
    assert await every_event(database) == []


async def forget_deleted(database: Database) -> None:
    async def work(connection: AsyncConnection) -> None:
        await connection.execute(deleted_ids.delete())

    await database.write(work, name="deleted ids")


@ON_SQLITE
async def test_a_repeat_that_has_a_line_of_its_own_does_not_happen_twice(database: Database, tmp_path: Path) -> None:
    """EV11: archived by itself before it was folded; and folded into a row while it is stored by itself."""
    kept = Archive(str(tmp_path))
    await store(database, [row(1), row(2), row(3)])
    await archive(database, kept, deleting=False)
    await remove(database, [place for place in await every_place(database) if place.id == event_id(2)])
    await fold(database, {2: 1})
    before = await every_event(database)
    await archive(database, kept)
    assert (await restore(database, kept)).restored == 2
    assert await every_event(database) == [as_returned(event) for event in before]
    await remove(database, await every_place(database))
    await forget_deleted(database)
    await store(database, [row(2)])
    assert (await restore(database, kept)).restored == 2
    assert [(event.row.id, event.repeat_count) for event in await every_event(database)] == [
        (event_id(1), 1),
        (event_id(2), 1),
        (event_id(3), 1),
    ]


@ON_SQLITE
@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (RestoreSelection(since=START + 2, until=START + 4), [2, 3]),
        (RestoreSelection(namespaces=("payments",)), [5]),
        (RestoreSelection(event_types=("usage", "nothing")), [4]),
        (RestoreSelection(objects=(("disk", "d-1"),)), [1, 3]),
        (RestoreSelection(objects=(("disk", "d-1"),), until=START + 2), [1]),
        (RestoreSelection(since=LATER), []),
    ],
)
async def test_only_what_is_selected_comes_back(
    database: Database, tmp_path: Path, selection: RestoreSelection, expected: list[int]
) -> None:
    kept = Archive(str(tmp_path))
    disk = (link("disk", "d-1"),)
    await store(
        database,
        [row(1, objects=disk), row(2), row(3, objects=disk), row(4, event_type="usage"), row(5, namespace="payments")],
    )
    await archive(database, kept)
    assert (await restore(database, kept, selection)).restored == len(expected)
    assert [event.row.id for event in await every_event(database)] == [event_id(number) for number in expected]


@ON_SQLITE
@pytest.mark.parametrize("damage", ["flipped", "cut", "longer", "gone", "manifest"])
async def test_nothing_comes_back_from_an_archive_with_a_damaged_file(
    database: Database, tmp_path: Path, damage: str
) -> None:
    """NU8, L4: verify names the file, restore refuses before it writes; a file that is whole can be named."""
    kept = Archive(str(tmp_path))
    await store(database, [row(number, message="much ado " * number) for number in range(1, 50)])
    await archive(database, kept)
    await store(database, [row(100)])
    await archive(database, kept)
    first, second = kept.files()
    path = tmp_path / first.name
    content = path.read_bytes()
    match damage:
        case "flipped":
            path.write_bytes(content[:200] + bytes([content[200] ^ 1]) + content[201:])
        case "cut":
            path.write_bytes(content[:-1])
        case "longer":
            path.write_bytes(content + b"x")
        case "gone":
            path.unlink()
        case "manifest":
            (tmp_path / first.name.replace(".jsonl.zst", ".manifest.json")).write_text("{}")
    damaged, _ = kept.files()
    with pytest.raises(ArchiveDamagedError, match=f"^{first.name}: "):
        kept.verify(damaged)
    with pytest.raises(ArchiveDamagedError, match=f"^{first.name}: "):
        await restore(database, kept)
    assert await every_event(database) == []
    kept.verify(second, deep=True)
    assert (await restore(database, kept, RestoreSelection(files=(second.name,)))).restored == 1
    with pytest.raises(MutationError, match="the archive has no file nothing"):
        await restore(database, kept, RestoreSelection(files=("nothing",)))


@ON_SQLITE
async def test_what_a_restore_did_is_told_by_events(database: Database, tmp_path: Path) -> None:
    """NU5, L4: who, from where, what and how many; also of one that broke off."""
    kept = Archive(str(tmp_path))
    await store(database, [row(1), row(2)])
    await archive(database, kept)
    await restore(database, kept, RestoreSelection(since=START, objects=(("disk", "d/1"),)))
    statement = select(events.c.event_type, events.c.actor, events.c.extra).where(events.c.source == "timeloom")
    async with database.reading() as connection:
        told = (await connection.execute(statement.order_by(events.c.id))).all()
    where = f'"archive":"{tmp_path}","files":1,"present":0,"restored":0'
    asked = '"selection":{"objects":["disk/d/1"],"since":"2026-01-01T00:00:00.000000Z"}'
    assert [tuple(each) for each in told] == [
        ("restore", "ann", f'{{{where},{asked},"state":"begun"}}'),
        ("restore", "ann", f'{{{where},{asked},"state":"done"}}'),
    ]


@pytest.mark.parametrize("backend", ["aiomysql"])
async def test_an_event_that_is_folded_meanwhile_does_not_come_back(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A restore looks for an id among events and among folded ids; compaction comes in between."""
    await store(database, [row(1), row(2)])
    whole, places = await every_event(database), await every_place(database)
    execute, looks = AsyncConnection.execute, list[Any]()

    async def fold_now(connection: AsyncConnection) -> None:
        first, second = await lock_events(connection, places)
        await fold_events(connection, [Fold(first, [Repeat(second, whole[1].row.content_hash)])])

    async def execute_and_fold(connection: AsyncConnection, statement: Any, *given: Any) -> Any:
        result = await execute(connection, statement, *given)
        if len(looks) == 1 and statement is looks[0]:
            looks.append(None)
            await database.write(fold_now, name="repeats")
        return result

    def seen(build: Callable[[Sequence[str]], Any]) -> Callable[[Sequence[str]], Any]:
        def build_and_see(ids: Sequence[str]) -> Any:
            looks.append(build(ids))
            return looks[-1]

        return build_and_see

    for name in ("build_folded_places", "build_stored_places"):
        monkeypatch.setattr(restores, name, seen(getattr(restores, name)))
    monkeypatch.setattr(AsyncConnection, "execute", execute_and_fold)
    assert await append_restored(database, whole, received_at=LATER) == [RestoreOutcome.PRESENT] * 2
    assert (await count(database, events), await count(database, folded_ids)) == (1, 1)


@pytest.mark.parametrize("backend", ["aiomysql"])
async def test_two_restores_at_once_bring_a_repeat_back_once(
    database: Database, mariadb_server: MariaServer, tmp_path: Path
) -> None:
    """One has it in a line of its own, the other among the repeats of another event."""
    await store(database, [row(1), row(2)])
    [_, repeat] = await every_event(database)
    await remove(database, (await every_place(database))[1:])
    await fold(database, {2: 1})
    [folding] = await every_event(database)
    await remove(database, await every_place(database))
    async with DatabaseProxy(mariadb_server.port) as proxy:
        url = database.url.set(port=proxy.port).render_as_string(hide_password=False)
        other = await Database.open(url)
        proxy.hold_commits()
        first = asyncio.create_task(append_restored(other, [repeat], received_at=LATER))
        await wait_until(lambda: proxy.commits_held > 0)
        second = asyncio.create_task(append_restored(database, [folding], received_at=LATER))
        await asyncio.wait({second}, timeout=0.2)
        proxy.release_commits()
        await asyncio.gather(first, second)
        await other.close()
    assert (await count(database, events), await count(database, folded_ids)) == (2, 0)


@EACH_DATABASE
async def test_a_repeat_of_two_events_comes_back_with_one_of_them(database: Database) -> None:
    """Archived with one event, restored, then folded into another one and archived with that."""
    await store(database, [row(1), row(2)])
    first, second = await every_event(database)
    repeat = FoldedRepeat(event_id(3), (3).to_bytes(16, "big"))
    both = [each._replace(folded=(repeat,), repeat_count=2) for each in (first, second)]
    await remove(database, await every_place(database))
    assert await append_restored(database, both, received_at=LATER) == [RestoreOutcome.RESTORED] * 2
    assert sorted(each.repeat_count for each in await every_event(database)) == [1, 2]
    assert await count(database, folded_ids) == 1


@pytest.mark.parametrize("backend", ["aiomysql"])
async def test_an_event_that_is_deleted_while_it_is_archived_is_not_kept_in_part(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its row was read, its references were not any more: restored from that it would touch nothing."""
    await store(database, [row(1, objects=(link("disk", "d"),)), row(2)])
    places = await every_place(database)
    original = archive_rows._fetch_links

    async def fetch_links(connection: AsyncConnection, ids: Sequence[str]) -> Any:
        await remove(database, places[:1])
        return await original(connection, ids)

    monkeypatch.setattr(archive_rows, "_fetch_links", fetch_links)
    assert [place for place, _ in await fetch_whole_events(database, places)] == places[1:]
