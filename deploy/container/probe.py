"""Asks the gateway in the same container: `probe.py /healthz`, `probe.py /readyz`. Ends with 0 when it answers 200.

As long as there is no authentication the gateway listens on loopback only, so health checks have to ask from inside.
"""

import http.client
import os
import sys

_SECONDS = 4.0


def main() -> None:
    """Ask for the path given; the port is TIMELOOM_PORT's, so it has to stand in the environment when it is another."""
    connection = http.client.HTTPConnection("localhost", int(os.environ.get("TIMELOOM_PORT", "8000")), timeout=_SECONDS)
    try:
        connection.request("GET", sys.argv[1])
        answer = connection.getresponse()
        text = answer.read().decode()
    except (OSError, http.client.HTTPException) as error:
        sys.exit(f"no answer: {error}")
    if answer.status != 200:
        sys.exit(f"{answer.status}: {text}")


main()
