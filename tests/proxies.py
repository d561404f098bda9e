"""A TCP proxy before a database that can hold a COMMIT back, or cut the connection before or after its answer."""

import asyncio
from contextlib import suppress
from typing import Self

_COMMIT = b"\x03COMMIT"


class DatabaseProxy:
    """Stands between a gateway and MariaDB. Nothing but COMMIT is touched, and that as long as one is expected."""

    def __init__(self, port: int) -> None:
        self.port = 0
        self.commits_held = 0
        self._target = port
        self._release = asyncio.Event()
        self._release.set()
        self._cuts_after_commit = 0
        self._cuts_before_commit = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    def hold_commits(self) -> None:
        """Keep every COMMIT from now on until `release_commits`."""
        self._release.clear()

    def release_commits(self) -> None:
        """Let what is held go on."""
        self._release.set()

    def cut_after_commit(self, times: int = 1) -> None:
        """Let the next COMMIT reach the database and cut the connection instead of handing its answer on."""
        self._cuts_after_commit += times

    def cut_before_commit(self, times: int = 1) -> None:
        """Cut the connection instead of handing the next COMMIT on."""
        self._cuts_before_commit += times

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", self._target)
        answers = asyncio.create_task(_copy(upstream_reader, writer))
        try:
            while request := await reader.read(65_536):
                if request[4:].startswith(_COMMIT) and not await self._commit(request, answers, upstream_writer):
                    break
                if not request[4:].startswith(_COMMIT):
                    upstream_writer.write(request)
                    await upstream_writer.drain()
        except ConnectionError:
            pass
        finally:
            answers.cancel()
            for each in (upstream_writer, writer):
                each.close()
            self._tasks.discard(task)

    async def _commit(
        self, request: bytes, answers: "asyncio.Task[None]", upstream_writer: asyncio.StreamWriter
    ) -> bool:
        """Hand a COMMIT on as told; give whether the connection lives on."""
        if not self._release.is_set():
            self.commits_held += 1
            await self._release.wait()
        if self._cuts_before_commit:
            self._cuts_before_commit -= 1
            return False
        if self._cuts_after_commit:
            self._cuts_after_commit -= 1
            answers.cancel()
            with suppress(asyncio.CancelledError):
                await answers
            upstream_writer.write(request)
            await upstream_writer.drain()
            return False
        upstream_writer.write(request)
        await upstream_writer.drain()
        return True


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
        writer.close()
