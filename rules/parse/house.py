"""house.yaml: rules that judge every piece of work."""

from __future__ import annotations

from fractions import Fraction

from rules.conditions import Condition
from rules.errors import did_you_mean
from rules.parse.condition import read_who
from rules.parse.names import Names, Section, Subjects, check_name
from rules.parse.place import Place
from rules.parse.settings import read_holdout
from rules.phrases import plain, read_duration
from rules.playbook import HouseRule, HouseRules, Verdict
from rules.repair import repair
from rules.units import Duration

__all__ = ["read_house"]

_LATER = {
    "routing": "name the channel in each step and take `routing` out",
    "caps": "take `caps` out, or write a rule with `then: skip`",
    "quiet": "take `quiet` out, and give steps an `at:`",
    "consent": "take `consent` out, and ask in `only:` of each playbook",
}
_LATER_VERDICTS = ("hold", "assign", "use")


def read_house(root: Place, names: Names, playbooks: frozenset[str]) -> HouseRules | None:
    """Return the house rules, or None where something is wrong.

    ``playbooks`` are the names of all playbooks, broken ones too.
    """
    if not root.is_mapping():
        root.error("wrong-shape", "house.yaml needs `rules:`")
        return None
    later = [value for key, value in root.pairs() if key in _LATER]
    for value in later:
        value.not_yet(f"`{value.key}`", _LATER[value.key])
    rules_place, holdout_place = root.get("rules"), root.get("holdout")
    holdout = read_holdout(holdout_place) if holdout_place else Fraction(0)
    rules: list[HouseRule] = []
    sound = holdout is not None and not later
    seen: set[str] = set()
    if rules_place and not rules_place.empty:
        for item in rules_place.items("`rules`"):
            rule = _rule(item, names, playbooks)
            if rule is None:
                sound = False
                continue
            if rule.name in seen:
                item.error("name-clash", f'two rules have the name "{rule.name}"')
                sound = False
            seen.add(rule.name)
            rules.append(rule)
        sound = sound and rules_place.is_list()
    return HouseRules(rules=tuple(rules), holdout=holdout or Fraction(0)) if sound else None


def _rule(place: Place, names: Names, playbooks: frozenset[str]) -> HouseRule | None:
    if not place.is_mapping():
        hint = "write {rule: ..., when: {...}, then: skip}"
        place.error("wrong-shape", "a rule needs a name, `when` and `then`", hint)
        return None
    name_place, when, then = place.get("rule"), place.get("when"), place.get("then")
    name = name_place.text() if name_place else None
    if name_place is None:
        place.error("missing-key", "this rule has no name", "start it with `rule: <name>`")
    elif name is not None and not check_name(name, name_place, "rule"):
        name = None
    verdict = _verdict(then) if then else None
    if then is None:
        place.error(
            "missing-key", "this rule has no `then`", "write then: skip, or then: defer 1 day"
        )
    if when is None:
        place.error("missing-key", "this rule has no `when`", "write when: {work: {purpose: ...}}")
        return None
    if not when.is_mapping():
        when.error("wrong-shape", "`when` needs work, customer or running", "write {work: {...}}")
        return None
    work, customer, running = when.get("work"), when.get("customer"), when.get("running")
    if work is None and customer is None and running is None:
        when.error("missing-key", "`when` needs work, customer or running")
        return None
    of_work = _of(work, ("purpose", "playbook", "channel"), names, playbooks)
    of_running = _of(running, ("purpose", "playbook"), names, playbooks)
    condition: Condition | None = read_who(customer, Subjects(names=names)) if customer else None
    if (
        name is None
        or verdict is None
        or of_work is None
        or of_running is None
        or (customer and condition is None)
    ):
        return None
    return HouseRule(
        name=name,
        span=place.span,
        path=place.path,
        verdict=verdict[0],
        delay=verdict[1],
        purposes=of_work.get("purpose", ()),
        playbooks=of_work.get("playbook", ()),
        channels=of_work.get("channel", ()),
        customer=condition,
        running_purposes=of_running.get("purpose", ()),
        running_playbooks=of_running.get("playbook", ()),
    )


def _verdict(place: Place) -> tuple[Verdict, Duration | None] | None:
    text = place.text()
    if text is None:
        return None
    words = plain(text)
    if words == "skip":
        return Verdict.SKIP, None
    first = words.split(" ")[0]
    if first in _LATER_VERDICTS:
        place.not_yet(f"then: {first}", "write skip, or defer 1 day")
        return None
    if first == "defer":
        rest = words.removeprefix("defer").strip()
        if not rest:
            place.error("bad-phrase", "`defer` needs a time", "write defer 1 day")
            return None
        delay = _delay(place, rest)
        return (Verdict.DEFER, delay) if delay else None
    hint = did_you_mean(first, ("skip", "defer"))
    place.error("bad-word", f'`then` can\'t be "{text}"', hint)
    return None


def _delay(place: Place, rest: str) -> Duration | None:
    delay = read_duration(rest)
    if delay and not delay.working:
        return delay
    better = repair(
        rest, lambda words: (found := read_duration(words)) is not None and not found.working
    )
    why = "can't be counted in working time" if delay else "needs a length of time"
    place.error("bad-duration", f"`defer` {why}", f"write defer {better or '1 day'}")
    return None


def _of(
    place: Place | None, keys: tuple[str, ...], names: Names, playbooks: frozenset[str]
) -> dict[str, tuple[str, ...]] | None:
    """Return the words of purpose, playbook and channel; None where one is wrong."""
    if place is None:
        return {}
    found: dict[str, tuple[str, ...]] = {}
    sound = place.is_mapping()
    pairs = place.pairs()
    if not pairs and sound:
        place.error("empty-value", f"`{place.key}` asks for nothing", at_key=True)
        sound = False
    for key, value in pairs:
        if key not in keys:
            value.error(
                "unknown-key", f'`{place.key}` has no "{key}"', did_you_mean(key, keys), at_key=True
            )
            sound = False
            continue
        texts = value.texts()
        if not texts:
            sound = False
            if texts is not None:
                value.error("empty-value", f"`{key}` has an empty list", at_key=True)
            continue
        known: frozenset[str] = playbooks
        if key == "channel":
            known = frozenset(names.vocabulary.channels)
        for text, item in texts:
            quiet = key == "channel" and names.silent(text, Section.CHANNELS)
            if key != "purpose" and text not in known:
                sound = False
                if not quiet:
                    hint = did_you_mean(text, known)
                    item.error(f"unknown-{key}", f'no {key} "{text}"', hint)
        found[key] = tuple(text for text, _ in texts)
    return found if sound else None
