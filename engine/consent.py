"""What a customer allows: consent when a step opens and again when it is sent, and quiet hours."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.log import open_log
from engine.quiet import binds, customer_zone, quiet_until
from rules.errors import BusyError
from rules.history import Datum
from rules.playbook import Consent, HouseRules
from rules.vocabulary import Vocabulary

__all__ = ["AllowedNow", "Refusal", "binding", "refusal"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """The line of consent that says no, and what the customer's attribute is."""

    consent: Consent
    value: Datum | None

    @property
    def words(self) -> str:
        """What stands on the evidence."""
        shown = "unknown" if self.value is None else "yes" if self.value is True else "no"
        return f"{self.consent.attribute} is {shown}"


def binding(
    lines: Sequence[Consent], vocabulary: Vocabulary, channel: str, purpose: str
) -> list[Consent]:
    """Return the lines of consent that a message of a purpose through a channel needs."""
    declared = vocabulary.channels.get(channel)
    if declared is not None and not declared.reaches_customer:
        return []
    return [
        line
        for line in lines
        if line.channel in ("all", channel) and (not line.purposes or purpose in line.purposes)
    ]


def refusal(lines: Iterable[Consent], attribute: Callable[[str], Datum | None]) -> Refusal | None:
    """Return the first of the binding lines that is not met; ``attribute`` gives its value.

    No and unknown are no; of a do-not-contact mark only its yes is one.
    """
    for line in lines:
        value = attribute(line.attribute)
        if (value is True) if line.refuses else (value is not True):
            return Refusal(consent=line, value=value)
    return None


class AllowedNow:
    """What customers allow at an instant: by the last versions of their attributes in the log by
    then: whether a channel may be used, and whether it is night where they are.

    Versions that came in since the decision count. The log is read again whenever its files have
    changed, and closed at once.
    """

    def __init__(
        self,
        house: HouseRules,
        vocabulary: Vocabulary,
        log: Path,
        customers: Iterable[str],
        *,
        at: int,
        wait: float = 10.0,
    ) -> None:
        self.house = house
        self.vocabulary = vocabulary
        self.log = log
        self.customers = sorted(set(customers))
        self.at = at
        self.wait = wait  #: seconds for whoever holds the log; once, not for each message
        self._busy: BusyError | None = None
        self._stamp: tuple[tuple[int, int], ...] | None = None
        self._values: dict[tuple[str, str], Datum | None] = {}

    def refusal(self, customer: str, channel: str, purpose: str) -> Refusal | None:
        """Return why a message must not go out now. Raises BusyError while the log is in use."""
        lines = binding(self.house.consent, self.vocabulary, channel, purpose)
        if not lines:
            return None
        self._refresh()
        return refusal(lines, lambda name: self._values.get((customer, name)))

    def quiet_until(self, customer: str, channel: str, purpose: str) -> int | None:
        """Return when the quiet hours end in which the customer is now; None outside of them.

        Raises BusyError while the log is in use.
        """
        quiet = self.house.quiet
        if quiet is None or not binds(quiet, self.vocabulary, channel, purpose):
            return None
        if self.vocabulary.customer_zone is not None:
            self._refresh()
        zone = customer_zone(self.vocabulary, lambda name: self._values.get((customer, name)))
        return quiet_until(quiet, self.at, zone.name)

    def _refresh(self) -> None:
        files = (self.log, self.log.with_name(f"{self.log.name}.wal"))
        stamp = tuple(
            (stat.st_mtime_ns, stat.st_size)
            for file in files
            if file.exists() and (stat := file.stat())
        )
        if self._busy is not None:
            raise self._busy
        if stamp == self._stamp:
            return
        marks = {line.attribute for line in self.house.consent}
        zone = self.vocabulary.customer_zone
        names = sorted(marks | ({zone} if zone and self.house.quiet else set()))
        try:
            opened = open_log(self.log, writable=False, wait=self.wait)
        except BusyError as error:
            self._busy = error
            raise
        with opened as log:
            self._values = {
                (customer, name): (None if number is None else bool(number))
                if name in marks
                else text
                for customer, name, number, text in log.last_values(
                    names, self.customers, at=self.at
                )
            }
        self._stamp = stamp
