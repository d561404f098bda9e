"""The queries of docs/archive.md, carried out by DuckDB on an archive of the demo history (NU8)."""

from collections.abc import Callable
from pathlib import Path

import duckdb

from gateway.demo.history import tell_history
from gateway.demo.loader import load_history
from mutations.archives import Archive
from storage.engine import Database
from storage.times import now_micros, parse_rfc3339
from tests.docs.markdown import ROOT, read_blocks
from tests.mutations.archiving import archive

EVENTS = 600
DOCUMENT = ROOT / "docs/archive.md"
PLACE = "/var/lib/timeloom/archive"


async def test_every_query_gives_what_it_promises(new_database_url: Callable[[str], str], tmp_path: Path) -> None:
    database = await Database.open(new_database_url("sqlite"))
    drafts = tell_history(EVENTS, seed=1, until=parse_rfc3339("2026-03-01T00:00:00Z"))
    await load_history(database, drafts, clock=now_micros, advance=lambda _count: None)
    kept = Archive(str(tmp_path))
    # Twice, as an interruption would: a query that does not see to it counts them twice.
    await archive(database, kept, deleting=False)
    await archive(database, kept)
    await database.close()
    view, *queries = [block.text for block in read_blocks(DOCUMENT) if block.language == "sql"]
    assert PLACE in view
    with duckdb.connect() as connection:
        connection.execute(view.replace(PLACE, str(tmp_path)))
        # Python's DuckDB wants pytz for times with a zone.
        queries[1] = f"SELECT epoch_us(timestamp) FROM ({queries[1].rstrip(';')})"
        [days, timeline, files] = [connection.execute(query).fetchall() for query in queries]
        one = connection.execute("SELECT extra FROM archived WHERE extra IS NOT NULL LIMIT 1").fetchall()
    assert sum(happened for _, _, happened in days) == EVENTS
    times = [row[0] for row in timeline]
    assert times
    assert times == sorted(times, reverse=True)
    assert [count for _, count in files] == [files[0][1]] * 2
    assert one[0][0].startswith("{")
