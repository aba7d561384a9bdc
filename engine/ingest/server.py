"""Serving the receiver with uvicorn, in a thread, so that signals stay the caller's."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rules.errors import InputError

if TYPE_CHECKING:
    from starlette.applications import Starlette

__all__ = ["listen", "serving"]

_GRACE = 10  #: seconds for requests that are under way when the end is asked for
_MOST = 100  #: requests at once; more are told to try again


def listen(host: str, port: int) -> socket.socket:
    """Return a socket bound to an address; port 0 takes a free one. Raises InputError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=512)
    except OSError as error:
        words = error.strerror or str(error)
        raise InputError(f"can't listen at {host} port {port}: {words}") from error


@contextmanager
def serving(application: Starlette, bound: socket.socket) -> Iterator[threading.Event]:
    """Serve inside the block; its end waits for requests that are under way.

    Yields an event that is set when the server ends by itself.
    """
    import uvicorn  # noqa: PLC0415  slow

    config = uvicorn.Config(
        application, http="h11", ws="none", loop="asyncio", lifespan="off", log_config=None,
        access_log=False, server_header=False, proxy_headers=False, limit_concurrency=_MOST,
        timeout_keep_alive=5, timeout_graceful_shutdown=_GRACE,
    )  # fmt: skip
    server = uvicorn.Server(config)
    ended = threading.Event()

    def run() -> None:
        try:
            asyncio.run(server.serve(sockets=[bound]))
        finally:
            ended.set()

    thread = threading.Thread(target=run, name="ingest", daemon=True)
    thread.start()
    while not server.started and not ended.is_set():
        time.sleep(0.005)
    try:
        yield ended
    finally:
        server.should_exit = True
        thread.join()
        bound.close()
