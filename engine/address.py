"""The address that a message goes to: an attribute of the customer, or one that never changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rules.channel_kinds import CHANNEL_KINDS
from rules.history import Datum
from rules.templates.markup import for_line
from rules.templates.values import cleaned
from rules.vocabulary import Channel

__all__ = ["Address", "address_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a message goes."""

    attribute: str = ""  #: of the customer, that holds it; "" where it is none
    value: str = ""  #: "" where it is unknown, or none is needed
    needed: bool = False  #: without an address nothing can be sent

    @property
    def missing(self) -> str:
        """What is missing, in words; "" for nothing."""
        if self.value or not (self.attribute or self.needed):
            return ""
        return f"{self.attribute} is unknown" if self.attribute else "the channel has no address"


def address_of(
    channel: Channel, to: str | None, attribute: Callable[[str], Datum | None]
) -> Address:
    """Return the address of a message through a channel.

    ``to`` is the attribute that the step names instead of the channel's.
    """
    head, _, name = channel.to.partition(".")
    name = to or (name if head == "customer" else "")
    value = attribute(name) if name else channel.to
    shown = for_line(cleaned(value)) if isinstance(value, str) else ""
    kind = CHANNEL_KINDS.get(channel.kind)
    return Address(attribute=name, value=shown, needed=kind is not None and kind.addressed)
