"""Serving: how floors and Python peers are served, as the gateway is: one process, uvloop, httptools, no access log."""

from typing import Any

import uvicorn


def serve(app: Any, *, port: int) -> None:
    """Serve an ASGI application on loopback until it is told to stop."""
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=port,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_level="warning",
        access_log=False,
        server_header=False,
    )
