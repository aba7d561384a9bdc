"""The apprise channel: any service that the library Apprise knows. It does not say whether a message
arrived, so what it has taken is handed over, never sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from engine.channels.body import subject_of, text_of
from engine.channels.sending import Answer, Sending, Verdict

__all__ = ["send_apprise"]


def send_apprise(sending: Sending) -> Answer:
    """Hand a message to Apprise, for all addresses of the channel."""
    settings, message = sending.settings, sending.message
    addresses = [settings[key] for key in sorted(settings) if key.startswith("urls/")]
    with _silent():
        try:
            import apprise  # noqa: PLC0415  optional
        except ImportError:
            words = "the library apprise is not installed; install care with its extra: care-engine[apprise]"
            return Answer(verdict=Verdict.RETRY, words=words)
        service = apprise.Apprise()
        for number, address in enumerate(addresses, 1):
            found = apprise.Apprise.instantiate(address)
            if found is None:
                words = f"Apprise does not understand number {number} of `urls`"
                return Answer(verdict=Verdict.RETRY, words=words)
            found.socket_connect_timeout = min(found.socket_connect_timeout, sending.timeout)
            found.socket_read_timeout = min(found.socket_read_timeout, sending.timeout)
            service.add(found)
        done = service.notify(
            title=subject_of(message),
            body=text_of(message),
            body_format=apprise.NotifyFormat.MARKDOWN
            if message.html
            else apprise.NotifyFormat.TEXT,
        )
    if done:
        return Answer(verdict=Verdict.HANDED_OVER, words="Apprise has taken it")
    words = "Apprise reports a failure, and does not say whether something arrived"
    return Answer(verdict=Verdict.UNKNOWN, words=words)


@contextmanager
def _silent() -> Iterator[None]:
    """Keep Apprise from writing to stderr, where addresses with their secrets would stand."""
    import logging  # noqa: PLC0415  slow
    import warnings  # noqa: PLC0415

    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # old modules that some of its plugins still use
            yield
    finally:
        logging.disable(before)
