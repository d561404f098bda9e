"""A process that does nothing but number batches: to freeze, to kill, to end in order (python -m, URL)."""

import asyncio
import signal
import sys

from storage.engine import Database
from storage.positions import Sequencer


async def _main(url: str) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    database = await Database.open(url)
    await Sequencer(database).run(stop)
    await database.close()


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1]))
