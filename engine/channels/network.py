"""What all senders over the network need: names looked up in time, connections that end in time."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import threading
import time
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl

__all__ = ["Address", "Cutter", "cutter", "is_public", "lookup", "tls_context"]

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  #: RFC 6052: holds an IPv4 address


def lookup(host: str, port: int, timeout: float) -> list[Address]:
    """Return the addresses of a host, each once, in the order of the system.

    Raises OSError where there is none, TimeoutError after ``timeout`` seconds: the system's own
    look-up knows no limit, so it runs in a thread that is left behind.
    """
    found: list[Address] = []
    failed: list[OSError] = []

    def ask() -> None:
        try:
            for _, _, _, _, place in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
                address = ipaddress.ip_address(str(place[0]).partition("%")[0])
                if address not in found:
                    found.append(address)
        except (OSError, UnicodeError) as error:
            failed.append(error if isinstance(error, OSError) else OSError(str(error)))

    thread = threading.Thread(target=ask, name="lookup", daemon=True)
    thread.start()
    thread.join(timeout)
    if thread.is_alive():
        raise TimeoutError(f"looking up {host} took too long")
    if failed:
        raise failed[0]
    return list(found)


def is_public(address: Address) -> bool:
    """Tell whether an address belongs to the internet at large: no own network, no loopback, no
    metadata service, and none of these in the clothes of an IPv6 address.
    """
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if address in _NAT64:
            return is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        if address.teredo is not None or address.sixtofour is not None or address.is_site_local:
            return False  # of the past: tunnels with an IPv4 address inside, fec0::/10
    return address.is_global and not (
        address.is_multicast or address.is_reserved or address.is_unspecified
    )


class Cutter:
    """Ends a connection at its deadline, however slowly the other side goes on talking.

    Time-outs of sockets count from the last byte; a server that sends a byte now and then would
    hold a run for hours.
    """

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds
        self._watched: socket.socket | None = None
        self._lock = threading.Lock()
        self.cut = False  #: the deadline has come
        self._timer = threading.Timer(max(seconds, 0), self._cut)
        self._timer.daemon = True

    @property
    def left(self) -> float:
        """Seconds until the deadline; never below a hundredth, so that it can be a time-out."""
        return max(self._until - time.monotonic(), 0.01)

    def watch(self, connection: socket.socket) -> None:
        """Cut this connection at the deadline. What TLS makes of it later is the same connection."""
        copy = socket.fromfd(connection.fileno(), connection.family, connection.type)
        with self._lock:
            self._drop()
            self._watched = copy
            if self.cut:
                self._shut()

    def start(self) -> None:
        """Let the time run."""
        self._timer.start()

    def stop(self) -> None:
        """Cut nothing any more."""
        self._timer.cancel()
        with self._lock:
            self._drop()

    def _drop(self) -> None:
        if self._watched is not None:
            self._watched.close()
            self._watched = None

    def _cut(self) -> None:
        with self._lock:
            self.cut = True
            self._shut()

    def _shut(self) -> None:
        if self._watched is not None:
            with contextlib.suppress(OSError):  # closed already
                self._watched.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def cutter(seconds: float) -> Iterator[Cutter]:
    """Give a cutter for the time of a ``with``."""
    made = Cutter(seconds)
    made.start()
    try:
        yield made
    finally:
        made.stop()


@lru_cache(maxsize=16)
def tls_context(use: str, ca_file: Path | None = None) -> ssl.SSLContext:  # noqa: ARG001
    """Return what checks certificates: by the system's authorities, Mozilla's, and one's own.

    Each ``use`` has its own, since a library may set it up for its protocol. Raises OSError where ``ca_file`` can't be read or holds no certificate.
    """
    import ssl  # noqa: PLC0415  slow

    import certifi  # noqa: PLC0415

    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    return context
