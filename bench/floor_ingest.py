"""The floor's ingest: a batch in one transaction of multi-row INSERTs, without looking at what is in it."""

import hashlib
import time
from collections import Counter
from datetime import datetime
from typing import Any

import orjson

from bench.formats import EPOCH, MICROSECOND, SEVERITIES
from bench.pools import Pool

EVENT_COLUMNS = (
    *("id", "namespace_key", "audience_key", "event_type", "category", "severity", "severity_text", "occurred_at"),
    *("received_at", "source", "message", "extra", "duration_ms", "success", "actor", "actor_claim", "session_id"),
    *("request_id", "correlation_id", "parent_id", "trace_id", "span_id", "parent_span_id", "registration_id"),
    *("record_count", "content_hash", "batch_key", "batch_index"),
)
REFERENCE_COLUMNS = (
    *("object_key", "audience_key", "occurred_at", "event_id", "namespace_key", "object_type", "event_type"),
    *("severity", "role", "success"),
)
DELTA_COLUMNS = (
    *("audience_key", "minute", "event_type", "severity", "success", "event_rows", "occurrences", "arrival_day"),
)

_RANKS = {name: rank for rank, name in enumerate(SEVERITIES)}


class FloorIngest:
    """Writes what the gateway's ingest writes."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._audience: tuple[int, int] | None = None
        self._object_keys: dict[tuple[str, str], int] = {}

    async def store(self, sent: list[dict[str, Any]]) -> None:
        """Store events as they were sent."""
        await self._learn_keys(sent)
        received_at = time.time_ns() // 1_000
        times = [(datetime.fromisoformat(each["timestamp"][:-1]) - EPOCH) // MICROSECOND for each in sent]
        ids = [bytes.fromhex(each["id"].replace("-", "")) for each in sent]
        async with self._pool.writing() as cursor:
            batch_key = await self._insert_batch(cursor, received_at, len(sent))
            await self._insert(cursor, "events", EVENT_COLUMNS, self._events(sent, ids, times, received_at, batch_key))
            await self._insert(cursor, "event_objects", REFERENCE_COLUMNS, self._references(sent, ids, times))
            await self._insert(cursor, "event_count_deltas", DELTA_COLUMNS, self._deltas(sent, times, received_at))

    async def _learn_keys(self, sent: list[dict[str, Any]]) -> None:
        """Look up, once, the keys of the namespace, its plain audience and the objects, which are all there."""
        place = self._pool.placeholder
        by_id = (
            "SELECT object_key FROM objects "
            f"WHERE namespace = 'default' AND object_type = {place} AND object_id = {place}"
        )
        async with self._pool.reading() as fetch:
            if self._audience is None:
                [row] = await fetch("SELECT namespace_key, audience_key FROM audiences", ())
                self._audience = (row[0], row[1])
            for name in {(one["objectType"], one["objectId"]) for each in sent for one in each["objects"]}:
                if name not in self._object_keys:
                    self._object_keys[name] = (await fetch(by_id, name))[0][0]

    async def _insert_batch(self, cursor: Any, received_at: int, size: int) -> int:
        values = {"received_at": received_at, "event_count": size}
        if self._pool.placeholder == "?":
            # On SQLite the position is part of the transaction; on MariaDB the gateway gives it afterwards.
            await cursor.execute(
                "UPDATE leases SET high_water = high_water + 1 WHERE name = 'sequencer' RETURNING high_water"
            )
            [(values["position"],)] = await cursor.fetchall()
        await cursor.execute(self._insert_sql("ingest_batches", tuple(values)), tuple(values.values()))
        key: int = cursor.lastrowid
        return key

    async def _insert(self, cursor: Any, table: str, columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
        await cursor.executemany(self._insert_sql(table, columns), rows)

    def _insert_sql(self, table: str, columns: tuple[str, ...]) -> str:
        # The blank before the bracket lets aiomysql make one statement of many rows.
        places = ", ".join([self._pool.placeholder] * len(columns))
        return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})"

    def _events(
        self, sent: list[dict[str, Any]], ids: list[bytes], times: list[int], received_at: int, batch_key: int
    ) -> list[tuple[Any, ...]]:
        audience = self._audience or (0, 0)
        rows = []
        for index, (event_id, at, each) in enumerate(zip(ids, times, sent, strict=True)):
            get = each.get
            content_hash = hashlib.blake2b(orjson.dumps(each), digest_size=16).digest()
            extra = orjson.dumps(each["extra"]).decode()
            row = (
                *(event_id, *audience, each["eventType"], get("category"), _RANKS[each["severity"]], None, at),
                *(received_at, each["source"], each["message"], extra, get("durationMs"), get("success")),
                *(get("actor"), get("actorClaim"), get("sessionId"), get("requestId"), get("correlationId"), None),
                *(get("traceId"), get("spanId"), get("parentSpanId"), None, get("recordCount")),
                *(content_hash, batch_key, index),
            )
            rows.append(row)
        return rows

    def _references(self, sent: list[dict[str, Any]], ids: list[bytes], times: list[int]) -> list[tuple[Any, ...]]:
        namespace_key, audience_key = self._audience or (0, 0)
        rows = []
        for event_id, at, each in zip(ids, times, sent, strict=True):
            kind, rank, success = each["eventType"], _RANKS[each["severity"]], int(each["success"])
            for one in each["objects"]:
                object_key = self._object_keys[one["objectType"], one["objectId"]]
                place = (object_key, audience_key, at, event_id, namespace_key)
                rows.append((*place, one["objectType"], kind, rank, one.get("role"), success))
        return sorted(rows)

    def _deltas(self, sent: list[dict[str, Any]], times: list[int], received_at: int) -> list[tuple[Any, ...]]:
        _, audience_key = self._audience or (0, 0)
        counts = Counter(
            (audience_key, at // 60_000_000, each["eventType"], _RANKS[each["severity"]], int(each["success"]))
            for at, each in zip(times, sent, strict=True)
        )
        return [(*key, count, count, received_at // 86_400_000_000) for key, count in counts.items()]
