"""Processes of this and other machines: who holds a lease, and whether it is still there."""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path

__all__ = ["alive", "describe", "holder"]


def holder() -> str:
    """Return how this process signs what it holds."""
    return f"{socket.gethostname()}\t{os.getpid()}\t{_born(os.getpid())}"


def _born(pid: int) -> str:
    """Return when a process of this machine began, so that a reused number is not taken for it."""
    stat = _stat(pid)
    return "" if len(stat) < 20 else "zombie" if stat[0] == "Z" else stat[19]


def _stat(pid: int) -> list[str]:
    """Return what the system tells of a process, its state first; [] where it tells nothing."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text("latin-1").rpartition(")")[2].split()
    return []


def alive(holder: str, *, until: int, now: int) -> bool:
    """Whether a holder may still be at work; ``until`` is when its lease is over, both wall times.

    On this machine the process is asked, and only one that is stopped loses its lease by time.
    """
    host, pid, born = holder.split("\t")
    if host != socket.gethostname():
        return until > now
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    if born and _born(int(pid)) != born:
        return False
    stopped = _stat(int(pid))[:1] in (["T"], ["t"])  # it may be woken, but who knows when
    return until > now if stopped else True


def describe(holder: str) -> str:
    """Return a holder in words."""
    host, pid, _ = holder.split("\t")
    return f"process {pid} on {host}"
