"""Server: uvicorn with uvloop and httptools, in one process or in several, and the way it starts and stops.

A stop (SIGTERM, SIGINT) closes the listening socket, lets requests under way finish within
TIMELOOM_SHUTDOWN_SECONDS, gives the leases back and closes every connection: what was acknowledged is stored.
"""

import gc
import math
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import structlog
import uvicorn
from starlette.types import ASGIApp
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors.multiprocess import Multiprocess, Process

from gateway.app import create_app
from gateway.hosts import is_loopback
from gateway.logs import configure_logs
from gateway.metrics import DIRECTORY_VARIABLE, forget_dead_workers, metrics_directory
from gateway.settings import Settings, SettingsError

logger = structlog.get_logger(__name__)

_BACKLOG = 2048
_PARENT_POLL_SECONDS = 1.0


def require_loopback(settings: Settings) -> None:
    """Refuse to listen for other machines while nobody has to say who they are. Raises SettingsError."""
    if not is_loopback(settings.host):
        raise SettingsError(
            f"host {settings.host}: without authentication the server listens on loopback only, because everyone who "
            "reaches it is an administrator; use --host 127.0.0.1 (TIMELOOM_HOST)"
        )


def serve(settings: Settings) -> int:
    """Serve until a signal ends it, and give the exit code. Raises SettingsError when the address cannot be used."""
    require_loopback(settings)
    configure_logs(settings.log_format, settings.log_level)
    with _listening_socket(settings) as listener:
        host, port = listener.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        if not settings.insecure:
            logger.warning(
                "no authentication: whoever is on this machine is an administrator (--insecure: it is meant)"
            )
        logger.info("serving", url=f"http://{shown}:{port}", workers=settings.workers, pid=os.getpid())
        return _serve_here(settings, listener) if settings.workers == 1 else _serve_by_workers(settings, listener)


def _serve_here(settings: Settings, listener: socket.socket) -> int:
    server = _Server(_config(settings, partial(_build_app, settings)))
    server.run(sockets=[listener])
    return 0 if server.started else 1


def _serve_by_workers(settings: Settings, listener: socket.socket) -> int:
    with metrics_directory() as directory:
        os.environ[DIRECTORY_VARIABLE] = directory  # the workers inherit it
        try:
            build = partial(_build_worker_app, settings, os.getpid())
            supervisor = _Supervisor(_config(settings, build), [listener])
            supervisor.run()
        finally:
            del os.environ[DIRECTORY_VARIABLE]
    return 1 if supervisor.has_failed else 0


def _config(settings: Settings, build: Callable[[], ASGIApp]) -> uvicorn.Config:
    return uvicorn.Config(
        build,
        factory=True,
        loop="uvloop",
        http="httptools",
        ws="none",
        workers=settings.workers,
        backlog=_BACKLOG,
        lifespan="on",
        log_config=None,
        access_log=False,
        # Who asks is decided by the connection: what proxies say is refused, never believed (rule W3).
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=math.ceil(settings.shutdown_seconds),
    )


def _build_worker_app(settings: Settings, supervisor: int) -> ASGIApp:
    """Runs in a worker, which is a fresh process."""
    configure_logs(settings.log_format, settings.log_level)
    threading.Thread(target=_end_with, args=(supervisor,), daemon=True, name="parent-watch").start()
    return _build_app(settings)


def _build_app(settings: Settings) -> ASGIApp:
    app = create_app(settings)
    # What is there now stays: the collector need not walk modules and schema again, tens of milliseconds each time.
    gc.collect()
    gc.freeze()
    # A page of a thousand events makes thousands of values that are gone with its answer: looking at them after every
    # 700, as Python does by default, takes a third of the time of a connection page.
    gc.set_threshold(50_000, 20, 20)
    return app


def _end_with(supervisor: int) -> None:
    """Stop this worker in order when its supervisor is gone: nobody else would."""
    while os.getppid() == supervisor:
        time.sleep(_PARENT_POLL_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


class _Server(uvicorn.Server):
    """A server whose stop by a signal is a success, not a death by that signal."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle signals while serving, and do not raise them again afterwards."""
        with super().capture_signals():
            yield
            self._captured_signals.clear()


class _Supervisor(Multiprocess):
    """Keeps the workers alive, and their gauges in order."""

    @property
    def has_failed(self) -> bool:
        """Whether a worker could not start, which ends all of them."""
        return any(process.exitcode == STARTUP_FAILURE for process in self.processes)

    def keep_subprocess_alive(self) -> None:
        """Replace dead workers, and drop their gauges.

        uvicorn would also kill those that do not answer within seconds. On a busy machine that are the ones that are
        still starting, and then none ever does; a worker that was paused may go on.
        """
        for place, process in enumerate(self.processes):
            if self.should_exit.is_set() or process.process.is_alive():
                continue
            if process.exitcode == STARTUP_FAILURE:
                logger.error("a worker cannot start, so nobody serves", pid=process.pid)
                self.should_exit.set()
                return
            logger.warning("worker died, another one takes its place", pid=process.pid, exit_code=process.exitcode)
            self.processes[place] = Process(self.config, self.sockets)
            self.processes[place].start()
        forget_dead_workers(os.getpid())


def _listening_socket(settings: Settings) -> socket.socket:
    listener = None
    try:
        found = socket.getaddrinfo(settings.host.strip("[]"), settings.port, type=socket.SOCK_STREAM)
        family, _, _, _, address = min(found, key=lambda each: each[0])  # IPv4 first: what localhost means to most
        listener = socket.socket(family)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        if listener is not None:
            listener.close()
        reason = (error.strerror or str(error)).lower()
        raise SettingsError(
            f"{settings.host}:{settings.port}: {reason}; "
            "choose others with --host and --port (TIMELOOM_HOST, TIMELOOM_PORT)"
        ) from error
    return listener
