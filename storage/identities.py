"""Identities: names of namespaces, audiences and objects, interned as small keys that the big tables carry.

A key, once committed, never changes its meaning, so that caches need no invalidation. New names are interned in short
transactions of their own before the batch that needs them: a batch that is held open never blocks another one on an
object that both name. An identity that no event uses in the end does no harm.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from sqlalchemy import Select, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.elements import ColumnElement

from storage.dialects import insert_missing
from storage.records import ObjectRecord
from storage.scopes import Scope
from storage.tables import audiences, namespaces, object_audiences, objects

if TYPE_CHECKING:
    from storage.engine import Database

K = TypeVar("K")
V = TypeVar("V")

_CACHED_OBJECTS = 200_000
_CACHED_AUDIENCES = 50_000
_CHUNK = 500


class AudienceName(NamedTuple):
    """Who may see events: `readers` None is all readers of the namespace; else those named (sorted), and the owner."""

    namespace: str
    readers: tuple[str, ...] | None
    owner: str | None


class AudienceRecord(NamedTuple):
    """An audience with its keys."""

    key: int
    namespace_key: int
    namespace: str
    readers: tuple[str, ...] | None
    owner: str | None


class LruCache(Generic[K, V]):
    """The values used last, at most `size` of them."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: dict[K, V] = {}

    def get(self, key: K) -> V | None:
        """Give the value of a key, or None."""
        value = self._values.pop(key, None)
        if value is not None:
            self._values[key] = value
        return value

    def put(self, key: K, value: V) -> None:
        """Keep a value; the one that was used longest ago makes room."""
        self._values.pop(key, None)
        self._values[key] = value
        if len(self._values) > self._size:
            del self._values[next(iter(self._values))]


class Identities:
    """The interned names of one Database, cached once they are committed."""

    def __init__(self, database: "Database") -> None:
        self._database = database
        self._namespace_keys: dict[str, int] = {}
        self._namespace_names: dict[int, str] = {}
        self._audience_keys: LruCache[AudienceName, int] = LruCache(_CACHED_AUDIENCES)
        self._audiences: LruCache[int, AudienceRecord] = LruCache(_CACHED_AUDIENCES)
        self._object_keys: LruCache[ObjectRecord, int] = LruCache(_CACHED_OBJECTS)
        self._object_audiences: LruCache[tuple[int, int], bool] = LruCache(_CACHED_OBJECTS)

    async def namespace_keys(self, names: Iterable[str], connection: AsyncConnection | None = None) -> dict[str, int]:
        """Give the keys of those namespaces that exist.

        Here and below: whoever holds a connection passes it on, because one that waits for a second connection while
        it holds its first can block a whole pool.
        """
        wanted = list(dict.fromkeys(names))
        missing = [name for name in wanted if name not in self._namespace_keys]
        if missing:
            async with self._reading(connection) as reader:
                for name, key in await reader.execute(build_namespace_keys(missing)):
                    self._remember_namespace(name, key)
        return {name: self._namespace_keys[name] for name in wanted if name in self._namespace_keys}

    async def namespace_names(self, keys: Iterable[int], connection: AsyncConnection | None = None) -> dict[int, str]:
        """Give the names of namespaces by key."""
        wanted = list(dict.fromkeys(keys))
        missing = [key for key in wanted if key not in self._namespace_names]
        if missing:
            columns = select(namespaces.c.name, namespaces.c.namespace_key)
            async with self._reading(connection) as reader:
                for name, key in await reader.execute(columns.where(namespaces.c.namespace_key.in_(missing))):
                    self._remember_namespace(name, key)
        return {key: self._namespace_names[key] for key in wanted if key in self._namespace_names}

    async def audiences(
        self, keys: Iterable[int], connection: AsyncConnection | None = None
    ) -> dict[int, AudienceRecord]:
        """Give audiences by key."""
        found: dict[int, AudienceRecord] = {}
        missing: list[int] = []
        for key in dict.fromkeys(keys):
            record = self._audiences.get(key)
            if record is None:
                missing.append(key)
            else:
                found[key] = record
        if missing:
            for record in await self._fetch_audiences(
                _AUDIENCES.where(audiences.c.audience_key.in_(missing)), connection
            ):
                self._remember_audience(record)
                found[record.key] = record
        return found

    async def reached_namespaces(self, scope: Scope) -> frozenset[int] | None:
        """Give the keys of the namespaces of which a scope shows something; None: all."""
        if scope.everything:
            return None
        known = await self.audiences(scope.audience_keys)
        return scope.namespace_keys.union(audience.namespace_key for audience in known.values())

    async def intern_namespaces(self, names: Iterable[str]) -> dict[str, int]:
        """Give the keys of namespaces, making those that do not exist yet."""
        wanted = set(names)
        found = await self.namespace_keys(wanted)
        missing = sorted(wanted - found.keys())
        if not missing:
            return found
        await self._insert(namespaces, [{"name": name} for name in missing], name="namespaces")
        return await self.namespace_keys(wanted)

    async def intern_audiences(self, names: Iterable[AudienceName]) -> dict[AudienceName, AudienceRecord]:
        """Give audiences by what they are, making those that do not exist yet, and their namespaces."""
        found: dict[AudienceName, AudienceRecord] = {}
        missing: list[AudienceName] = []
        for name in set(names):
            key = self._audience_keys.get(name)
            record = None if key is None else self._audiences.get(key)
            if record is None:
                missing.append(name)
            else:
                found[name] = record
        if not missing:
            return found
        keys = await self.intern_namespaces({name.namespace for name in missing})
        rows = {(keys[name.namespace], _digest(name)): name for name in missing}
        await self._find_audiences(rows, found)
        absent = sorted(key for key, name in rows.items() if name not in found)
        if absent:
            await self._insert(audiences, [_audience_row(key, rows[key]) for key in absent], name="audiences")
            await self._find_audiences({key: rows[key] for key in absent}, found)
        return found

    async def intern_objects(
        self, wanted: Iterable[ObjectRecord], *, seen_by: Iterable[tuple[ObjectRecord, int]] = ()
    ) -> dict[ObjectRecord, int]:
        """Give the keys of objects, making those that do not exist yet.

        `seen_by` tells which audiences, by key, the references of these objects have; new pairs are recorded in the
        transaction that makes the objects.
        """
        found: dict[ObjectRecord, int] = {}
        missing: set[ObjectRecord] = set()
        for record in wanted:
            key = self._object_keys.get(record)
            if key is None:
                missing.add(record)
            else:
                found[record] = key
        await self._find_objects(sorted(missing), found)
        unwritten: dict[ObjectRecord, list[int]] = {record: [] for record in missing if record not in found}
        for record, audience_key in seen_by:
            if record not in found or self._object_audiences.get((found[record], audience_key)) is None:
                unwritten.setdefault(record, []).append(audience_key)
        parts = sorted(unwritten.items())
        for start in range(0, len(parts), _CHUNK):
            await self._write_objects(parts[start : start + _CHUNK], found)
        return found

    async def _write_objects(
        self, parts: Sequence[tuple[ObjectRecord, list[int]]], found: dict[ObjectRecord, int]
    ) -> None:
        """Write objects and their pairs: first all of the one, then all of the other, each in key order."""
        absent = [record for record, _ in parts if record not in found]
        dialect_name = self._database.dialect_name

        async def work(connection: AsyncConnection) -> dict[ObjectRecord, int]:
            keys: dict[ObjectRecord, int] = {}
            if absent:
                await connection.execute(insert_missing(objects, dialect_name), [each._asdict() for each in absent])
                for *name, key in await connection.execute(build_object_keys(absent)):
                    keys[ObjectRecord(*name)] = key
            known = {**found, **keys}
            pairs = sorted((known[record], audience_key) for record, some in parts for audience_key in some)
            if pairs:
                names = ("object_key", "audience_key")
                rows = [dict(zip(names, pair, strict=True)) for pair in pairs]
                await connection.execute(insert_missing(object_audiences, dialect_name), rows)
            return keys

        for record, key in (await self._database.write(work, name="objects")).items():
            found[record] = key
            self._object_keys.put(record, key)
        for record, some in parts:
            for audience_key in some:
                self._object_audiences.put((found[record], audience_key), True)

    async def _insert(self, table: Any, rows: Sequence[dict[str, Any]], *, name: str) -> None:
        """Write the rows that nobody else has written; each chunk in key order and its own transaction."""
        statement = insert_missing(table, self._database.dialect_name)
        for start in range(0, len(rows), _CHUNK):
            chunk = list(rows[start : start + _CHUNK])

            async def work(connection: AsyncConnection, chunk: list[dict[str, Any]] = chunk) -> None:
                await connection.execute(statement, chunk)

            await self._database.write(work, name=name)

    async def _find_objects(self, wanted: Sequence[ObjectRecord], found: dict[ObjectRecord, int]) -> None:
        for start in range(0, len(wanted), _CHUNK):
            statement = build_object_keys(wanted[start : start + _CHUNK])
            async with self._database.reading() as connection:
                result = await connection.execute(statement)
            for namespace, object_type, object_id, key in result:
                record = ObjectRecord(namespace, object_type, object_id)
                found[record] = key
                self._object_keys.put(record, key)

    async def _find_audiences(
        self, wanted: dict[tuple[int, bytes], AudienceName], found: dict[AudienceName, AudienceRecord]
    ) -> None:
        for record in await self._fetch_audiences(build_audiences(wanted)):
            self._remember_audience(record)
            found[AudienceName(record.namespace, record.readers, record.owner)] = record

    def _reading(self, connection: AsyncConnection | None) -> AbstractAsyncContextManager[AsyncConnection]:
        return self._database.reading() if connection is None else nullcontext(connection)

    async def _fetch_audiences(
        self, statement: Select[Any], connection: AsyncConnection | None = None
    ) -> list[AudienceRecord]:
        async with self._reading(connection) as reader:
            rows = (await reader.execute(statement)).all()
        return [
            AudienceRecord(key, namespace_key, name, None if readers is None else tuple(json.loads(readers)), owner)
            for key, namespace_key, name, readers, owner in rows
        ]

    def _remember_namespace(self, name: str, key: int) -> None:
        self._namespace_keys[name] = key
        self._namespace_names[key] = name

    def _remember_audience(self, record: AudienceRecord) -> None:
        self._remember_namespace(record.namespace, record.namespace_key)
        self._audiences.put(record.key, record)
        self._audience_keys.put(AudienceName(record.namespace, record.readers, record.owner), record.key)


_AUDIENCES = select(
    audiences.c.audience_key, audiences.c.namespace_key, namespaces.c.name, audiences.c.readers, audiences.c.owner
).join(namespaces, namespaces.c.namespace_key == audiences.c.namespace_key)


def build_namespace_keys(names: Sequence[str]) -> Select[Any]:
    """Ask for namespaces by name."""
    return select(namespaces.c.name, namespaces.c.namespace_key).where(namespaces.c.name.in_(names))


def build_audiences(wanted: Iterable[tuple[int, bytes]]) -> Select[Any]:
    """Ask for audiences by namespace key and digest."""
    digests: dict[int, list[bytes]] = {}
    for namespace_key, digest in wanted:
        digests.setdefault(namespace_key, []).append(digest)
    columns = audiences.c
    return _AUDIENCES.where(
        or_(*(and_(columns.namespace_key == key, columns.digest.in_(some)) for key, some in digests.items()))
    )


def build_object_keys(wanted: Iterable[ObjectRecord]) -> Select[Any]:
    """Ask for the keys of objects."""
    columns = objects.c
    identity = (columns.namespace, columns.object_type, columns.object_id)
    return select(*identity, columns.object_key).where(build_object_condition(wanted))


def build_object_condition(wanted: Iterable[ObjectRecord]) -> ColumnElement[bool]:
    """Make the condition that a row of `objects` is one of some; those of one type by a list of ids."""
    ids: dict[tuple[str, str], list[str]] = {}
    for record in wanted:
        ids.setdefault((record.namespace, record.object_type), []).append(record.object_id)
    columns = objects.c
    conditions = (
        and_(columns.namespace == namespace, columns.object_type == object_type, columns.object_id.in_(some))
        for (namespace, object_type), some in ids.items()
    )
    return or_(*conditions)


def _digest(name: AudienceName) -> bytes:
    text = json.dumps([name.readers, name.owner], ensure_ascii=True, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def _audience_row(key: tuple[int, bytes], name: AudienceName) -> dict[str, Any]:
    readers = None if name.readers is None else json.dumps(name.readers, ensure_ascii=False, separators=(",", ":"))
    return {"namespace_key": key[0], "readers": readers, "owner": name.owner, "digest": key[1]}
