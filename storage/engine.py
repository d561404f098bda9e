"""Engine: how connections to the database are opened, pooled, limited in time and watched.

Reads run in AUTOCOMMIT on pooled connections; a write is one transaction that is run again as a whole when that can
help. Nothing but `StorageError`s leaves this module for what goes wrong in the database.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any, NamedTuple, Self, TypeVar

from sqlalchemy import event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from storage import connections
from storage.errors import OutcomeUnknownError, StorageError, StorageUnavailableError
from storage.failures import is_driver_error, to_storage_error
from storage.identities import Identities, LruCache
from storage.lending import Lender
from storage.options import DatabaseOptions
from storage.prepared import PreparedStatement, PreparedStatements
from storage.retries import Attempt, run_with_retries
from storage.revisions import require_head
from storage.selectors import ObjectReference
from storage.watchdog import Watchdog

T = TypeVar("T")

DRIVERS = ("mariadb+aiomysql", "mariadb+asyncmy", "sqlite+aiosqlite")

_REMEMBERED_PLACES = 50_000
# A server that is alive ends a statement by itself at the limit: so much later it is taken for dead.
_SILENCE_SECONDS = 3.0
# The drivers limit connecting the socket; a server that accepts and then says nothing is left this much later.
_CONNECT_GRACE_SECONDS = 1.0


_turns: ContextVar[asyncio.Semaphore | None] = ContextVar("turns", default=None)


@contextmanager
def taking_turns(turns: asyncio.Semaphore) -> Iterator[None]:
    """Let what is read inside, and by tasks begun inside, hold only as many connections as there are turns."""
    token = _turns.set(turns)
    try:
        yield
    finally:
        _turns.reset(token)


class StatementEvent(NamedTuple):
    """One statement that was sent: its text, how long it took, the rows it gave or changed (-1: unknown)."""

    sql: str
    seconds: float
    rows: int
    failed: bool


class PoolStatus(NamedTuple):
    """How many connections the pools may hold, and how many are in use."""

    size: int
    checked_out: int


StatementObserver = Callable[[StatementEvent], None]
Transaction = AsyncConnection
"""What `Database.write` hands to its work, under the name by which other rooms may know it."""


class Database:
    """The store: opened once per process, shared by everything in it."""

    def __init__(self, url: URL, options: DatabaseOptions) -> None:
        """Prepare the pools; nothing is connected yet. Use `Database.open`."""
        self.url = url
        self.options = options
        self.dialect_name = "sqlite" if url.get_backend_name() == "sqlite" else "mariadb"
        self.identities = Identities(self)
        self._observers: list[StatementObserver] = []
        self._watchdog = Watchdog(options.statement_timeout_seconds + _SILENCE_SECONDS)
        self._reader = self._build_engine(writing=False)
        self._writer = self._build_engine(writing=True)
        self._lender = Lender(
            self._reader,
            size=options.pool_size,
            timeout_seconds=self._pool_timeout(writing=False) + _CONNECT_GRACE_SECONDS,
        )
        self.statements = PreparedStatements(self._reader.dialect)
        self.places: LruCache[ObjectReference, tuple[Any, ...]] = LruCache(_REMEMBERED_PLACES)
        """Object key and audience key of objects whose references lie in one place; they have to be confirmed."""

    @classmethod
    async def open(cls, url: str, options: DatabaseOptions | None = None, *, check_revision: bool = True) -> Self:
        """Open the store behind one of SQLAlchemy's URLs (see `DRIVERS`).

        Raises RevisionError when its schema has another revision than this program, StorageUnavailableError when it
        cannot be reached.
        """
        database = cls(parse_url(url), options or DatabaseOptions())
        try:
            if check_revision:
                async with database.reading() as connection:
                    await connection.run_sync(require_head)
        except BaseException:
            await database.close()
            raise
        return database

    async def close(self) -> None:
        """Close every connection."""
        self._watchdog.close()
        await self._lender.close()
        await self._reader.dispose()
        await self._writer.dispose()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Lend a pooled connection in AUTOCOMMIT: each statement sees what was committed when it began.

        Raises StorageError for whatever the database says. When the caller is cancelled the connection is closed and,
        on SQLite, its statement interrupted. Waits for its turn where reads are `taking_turns`.
        """
        turns = _turns.get()
        if turns is not None:
            await turns.acquire()
        watched = self._watchdog.watch()
        try:
            connection = await self._lender.lend()
            try:
                connections.state_of(connection).watched = watched
                yield connection
            except asyncio.CancelledError:
                await _discard(connection)
                if watched.was_ended():
                    raise StorageUnavailableError("the database said nothing for too long") from None
                raise
            finally:
                await self._lender.take_back(connection)
        except Exception as error:
            if is_driver_error(error):
                raise to_storage_error(error) from error
            raise
        finally:
            self._watchdog.forget(watched)
            if turns is not None:
                turns.release()

    async def fetch(
        self, connection: AsyncConnection, statement: PreparedStatement, values: Mapping[str, Any]
    ) -> list[tuple[Any, ...]]:
        """Run a prepared statement on a connection that `reading` lent; give its rows as the driver made them.

        That takes a third of the time of `connection.execute`: nothing but the driver stands in between.
        """
        parameters = statement.parameters(values)
        state = connections.state_of(connection)
        state.begin()
        try:
            rows = await connections.fetch_rows(state, statement.sql, parameters)
        except BaseException as error:
            self._tell(statement.sql, state.started, rows=-1, failed=True)
            # Whether the driver could go on with it is not known here.
            await _discard(connection)
            if isinstance(error, Exception):
                raise to_storage_error(error) from error
            raise
        state.end()
        self._tell(statement.sql, state.started, rows=len(rows), failed=False)
        return rows

    async def write(self, work: Callable[[AsyncConnection], Awaitable[T]], *, name: str) -> T:
        """Run `work` in one transaction (READ COMMITTED; SQLite: BEGIN IMMEDIATE) and give its result after COMMIT.

        `work` is run again from its start, up to five times, when the database asks for that or the connection breaks,
        so it must bring nothing but rows about. `name` says in errors what was being written. Raises StorageError:
        StorageBusyError, StorageUnavailableError, or OutcomeUnknownError when COMMIT was sent and not answered.
        """
        attempts: list[Attempt] = []

        async def run(attempt: Attempt) -> T:
            attempts.append(attempt)
            return await self._transact(work, attempt)

        try:
            async with asyncio.timeout(self.options.write_timeout_seconds):
                return await run_with_retries(run)
        except TimeoutError as error:
            kind = OutcomeUnknownError if any(each.committing for each in attempts) else StorageUnavailableError
            limit = self.options.write_timeout_seconds
            raise kind(f"writing {name} took longer than {limit:g} s; send the same ids again") from error

    async def execute_alone(self, statement: Any, parameters: Any = None) -> int:
        """Run one changing statement as its own transaction, without retries, and give how many rows it matched.

        A process that is stopped between two of these holds no lock, which is what leases need.
        """
        if self.dialect_name == "mariadb":
            async with self.reading() as connection:
                result = await connection.execute(statement, parameters)
                return int(result.rowcount)

        async def work(connection: AsyncConnection) -> int:
            result = await connection.execute(statement, parameters)
            return int(result.rowcount)

        return await self.write(work, name="a lease")

    def observe(self, observer: StatementObserver) -> Callable[[], None]:
        """Call `observer` after each statement, in the event loop's thread; the result unsubscribes it."""
        self._observers.append(observer)

        def unsubscribe() -> None:
            with suppress(ValueError):
                self._observers.remove(observer)

        return unsubscribe

    def pool_status(self) -> PoolStatus:
        """Tell how many connections may be open and how many are lent at the moment."""
        writers: Any = self._writer.sync_engine.pool
        return PoolStatus(self._lender.size + writers.size(), self._lender.lent + writers.checkedout())

    async def _transact(self, work: Callable[[AsyncConnection], Awaitable[T]], attempt: Attempt) -> T:
        connection = await self._connect_writer()
        transaction = connection.begin()
        try:
            transaction = await transaction.start()
            result = await work(connection)
            attempt.committing = True
            await transaction.commit()
        except asyncio.CancelledError:
            await _discard(connection)
            raise
        except BaseException:
            try:
                await transaction.rollback()
            except Exception:  # not begun, or gone; a connection that is closed has rolled back
                await _discard(connection)
            raise
        finally:
            await _give_back(connection)
        return result

    async def _connect_writer(self) -> AsyncConnection:
        async with asyncio.timeout(self._pool_timeout(writing=True) + _CONNECT_GRACE_SECONDS):
            return await self._writer.connect()

    def _pool_timeout(self, *, writing: bool) -> float:
        # A writer of SQLite waits for its turn; elsewhere a pool that stays empty means that nothing moves.
        if writing and self.dialect_name == "sqlite":
            return self.options.write_timeout_seconds
        return self.options.connect_timeout_seconds

    def _build_engine(self, *, writing: bool) -> AsyncEngine:
        options = self.options
        single_writer = writing and self.dialect_name == "sqlite"
        arguments: dict[str, Any] = {
            "pool_size": 1 if single_writer else options.write_pool_size if writing else options.pool_size,
            "max_overflow": 0,
            "pool_timeout": self._pool_timeout(writing=writing),
            # Writes end in COMMIT, ROLLBACK or a closed connection (see _transact); reads have nothing to reset.
            "pool_reset_on_return": None,
            "connect_args": connections.connect_arguments(self.dialect_name, options),
            "hide_parameters": True,
        }
        if not writing:
            arguments |= {"isolation_level": "AUTOCOMMIT", "skip_autocommit_rollback": True}
        engine = create_async_engine(self.url, **arguments)
        connections.prepare(engine.sync_engine, options, writing=writing)
        self._watch(engine)
        return engine

    def _watch(self, engine: AsyncEngine) -> None:
        """Time each statement for the observers and the watchdog."""

        def before(connection: Any, _cursor: Any, _sql: str, *_: Any) -> None:
            connection.info["timeloom"].begin()

        def after(connection: Any, cursor: Any, sql: str, _parameters: Any, context: Any, _many: bool) -> None:
            state = connection.info["timeloom"]
            state.end()
            sql = context.execution_options.get(connections.SHOWN_SQL, sql)
            self._tell(sql, state.started, rows=cursor.rowcount, failed=False)

        def failed(context: Any) -> None:
            if context.connection is None or context.statement is None:
                return
            state = context.connection.info["timeloom"]
            state.interrupt()
            state.end()
            options = {} if context.execution_context is None else context.execution_context.execution_options
            self._tell(options.get(connections.SHOWN_SQL, context.statement), state.started, rows=-1, failed=True)

        event.listen(engine.sync_engine, "before_cursor_execute", before)
        event.listen(engine.sync_engine, "after_cursor_execute", after)
        event.listen(engine.sync_engine, "handle_error", failed)

    def _tell(self, sql: str, started: float, *, rows: int, failed: bool) -> None:
        if self._observers:
            statement = StatementEvent(sql, time.monotonic() - started, rows, failed)
            for observer in tuple(self._observers):
                observer(statement)


def parse_url(text: str) -> URL:
    """Read a database URL and make the directory of an SQLite file; raise StorageError for one that is not served."""
    try:
        url = make_url(text)
    except ArgumentError:
        raise StorageError(
            f"the database URL cannot be understood; it begins with one of {', '.join(DRIVERS)}"
        ) from None
    if url.drivername not in DRIVERS:
        raise StorageError(f"{url.drivername} is not served; a database URL begins with one of {', '.join(DRIVERS)}")
    if url.get_backend_name() == "sqlite":
        if not url.database or url.database == ":memory:":
            raise StorageError("an SQLite store is a file: sqlite+aiosqlite:///path/to/timeloom.db")
        directory = Path(url.database).parent
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"the directory {directory} cannot be made: {error.strerror}") from None
    elif not url.database:
        raise StorageError("the database URL names no database: mariadb+aiomysql://user:password@host/database")
    return url


async def _discard(connection: AsyncConnection) -> None:
    """Close a connection whose statement nobody waits for any more."""
    if not connection.closed and not connection.invalidated:
        connections.state_of(connection).interrupt()
        await asyncio.shield(connection.invalidate())


async def _give_back(connection: AsyncConnection) -> None:
    # Nothing is sent: writes have ended before (see _transact).
    if not connection.closed:
        await connection.close()
