"""The floor's removal: rows deleted by key in chunks, without judging, counting or remembering them."""

from bench.pools import open_pool

_IDS_PER_STATEMENT = 1_000


async def remove(url: str, *, until: int, chunk_events: int) -> int:
    """Delete all events before an instant (microseconds) with their references; give how many rows went."""
    pool = await open_pool(url)
    hint = "" if pool.placeholder == "?" else "FORCE INDEX (ix_events_namespace)"
    oldest = (
        f"SELECT id FROM events {hint} WHERE namespace_key = 1 AND occurred_at < {until} "
        f"ORDER BY occurred_at, id LIMIT {chunk_events}"
    )
    rows = 0
    while True:
        async with pool.writing() as cursor:
            await cursor.execute(oldest)
            ids = [row[0] for row in await cursor.fetchall()]
            for start in range(0, len(ids), _IDS_PER_STATEMENT):
                listed = ",".join([f"x'{each.hex()}'" for each in ids[start : start + _IDS_PER_STATEMENT]])
                for table, key in (("event_objects", "event_id"), ("events", "id")):
                    await cursor.execute(f"DELETE FROM {table} WHERE {key} IN ({listed}) AND namespace_key = 1")
                    rows += cursor.rowcount
        if len(ids) < chunk_events:
            break
    await pool.close()
    return rows
