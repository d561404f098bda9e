"""Real gateway processes: `timeloom serve` on a free port, to talk to, to stop in order, to kill and to freeze."""

import os
import shutil
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import httpx2

from tests.databases import command_path, free_port

START_SECONDS = 60.0
STOP_SECONDS = 30.0
_POLL_SECONDS = 0.02
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For `verify` of httpx2: otherwise each client computes for 40 ms, to read certificates that nobody needs here."""


class GatewayError(Exception):
    """The gateway did not do what was waited for; the message ends with its log."""


def timeloom_command() -> str:
    """The installed `timeloom` command that belongs to the running Python."""
    beside = Path(sys.executable).with_name("timeloom")
    found = str(beside) if beside.exists() else shutil.which("timeloom")
    if found is None:
        raise GatewayError("the command timeloom is not installed; `make setup` does that")
    return found


def gateway_environment(settings: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a gateway under test: ours without any TIMELOOM_ variable, then the given settings."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TIMELOOM_")}
    return {**inherited, **(settings or {})}


def run_timeloom(*arguments: str, settings: Mapping[str, str] | None = None, directory: Path) -> str:
    """Run one `timeloom` command to its end in a working directory and give what it printed; raises when it fails."""
    done = subprocess.run(
        [timeloom_command(), *arguments],
        env=gateway_environment(settings),
        cwd=directory,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise GatewayError(f"timeloom {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


class GatewayProcess:
    """One `timeloom serve` with its own port and log file. Signals go to all of its workers."""

    def __init__(
        self,
        *,
        database_url: str,
        directory: Path,
        settings: Mapping[str, str] | None = None,
        arguments: Sequence[str] = (),
        port: int | None = None,
        command: Path | None = None,
    ) -> None:
        """Settings are TIMELOOM_* variables, arguments further flags of `timeloom serve`; directory takes the log.

        `command` is another installation's `timeloom`.
        """
        self._command = str(command or timeloom_command())
        self.port = port or free_port()
        self._port_is_ours = port is None
        self._arguments = tuple(arguments)
        self._directory = directory
        self._environment = gateway_environment({"TIMELOOM_DATABASE_URL": database_url, **(settings or {})})
        self.log_file = directory / f"gateway-{self.port}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        """Where the gateway listens, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The process id of the command; it leads a process group of its own."""
        return self._running().pid

    def start(self, *, ready: bool = True) -> None:
        """Start, and return when /readyz says so (`ready=False`: at once)."""
        for attempt in range(5):
            self._spawn()
            if not ready:
                return
            try:
                self.wait_until_ready()
            except GatewayError:
                snatched = "address already in use" in self.log().lower()
                self.kill()
                if not (self._port_is_ours and snatched) or attempt == 4:
                    raise
                self.port = free_port()
                self.log_file = self._directory / f"gateway-{self.port}.log"
            else:
                return

    def wait_until_ready(self, *, status: int = 200, seconds: float = START_SECONDS) -> None:
        """Return when /readyz answers with the status: 200 = ready, 503 = up, but its database is not."""
        deadline = time.monotonic() + seconds
        seen: object = "no answer"
        while time.monotonic() < deadline:
            if self._running().poll() is not None:
                raise GatewayError(f"the gateway ended with {self._running().returncode}; its log:\n{self.log()}")
            try:
                seen = self.get("/readyz", timeout=5).status_code
            except httpx2.TransportError as error:
                seen = error
            if seen == status:
                return
            time.sleep(_POLL_SECONDS)
        raise GatewayError(f"/readyz: {seen!r} instead of {status} after {seconds:g} s; the log:\n{self.log()}")

    def execute(self, query: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Send one GraphQL operation and give its data; raises with the errors when there are any."""
        answer = self.post({"query": query, "variables": dict(variables or {})})
        if answer.get("errors"):
            raise GatewayError(f"{answer['errors']}\nof:\n{query}")
        data: dict[str, Any] = answer["data"]
        return data

    def post(self, body: Mapping[str, Any], *, timeout: float = 30.0) -> dict[str, Any]:
        """Post one GraphQL request and give the whole answer, errors included."""
        accept = {"accept": "application/graphql-response+json, application/json"}
        answer: dict[str, Any] = httpx2.post(
            f"{self.url}/graphql", json=body, headers=accept, timeout=timeout, verify=NO_TLS
        ).json()
        return answer

    def get(self, path: str, *, timeout: float = 30.0) -> httpx2.Response:
        """Get a page, on a connection of its own; raises httpx2.TransportError when nobody answers."""
        return httpx2.get(f"{self.url}{path}", timeout=timeout, verify=NO_TLS)

    def terminate(self) -> int:
        """Stop in order (SIGTERM to the command alone) and give the exit code."""
        process = self._running()
        process.terminate()
        return self._ended()

    def wait(self) -> int:
        """Wait for the gateway to end by itself and give the exit code."""
        return self._ended()

    def kill(self) -> None:
        """Kill -9 the gateway and its workers."""
        if self._process is not None:
            self._signal(signal.SIGKILL)
            self._ended()

    def pause(self) -> None:
        """Freeze it (SIGSTOP): connections stay open and nothing answers."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a frozen gateway go on (SIGCONT)."""
        self._signal(signal.SIGCONT)

    def restart(self) -> None:
        """Stop in order and start again on the same port."""
        self.terminate()
        self.start()

    def close(self) -> None:
        """End it by all means."""
        self.kill()

    def log(self) -> str:
        """What the gateway has printed so far."""
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def _spawn(self) -> None:
        command = [self._command, "serve", "--host", "127.0.0.1", "--port", str(self.port), *self._arguments]
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [command_path("setpriv"), "--pdeathsig", "KILL", "--", *command],  # it dies with the test run
                env=self._environment,
                cwd=self._directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise GatewayError("the gateway is not running")
        return self._process

    def _signal(self, number: signal.Signals) -> None:
        # The group outlives its leader while workers do: a killed command must not leave them behind.
        try:
            os.killpg(self._running().pid, number)
        except ProcessLookupError:
            return

    def _ended(self) -> int:
        try:
            code = self._running().wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise GatewayError(f"the gateway did not end within {STOP_SECONDS:g} s; its log:\n{self.log()}") from error
        self._process = None
        return code
