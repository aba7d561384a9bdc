"""house.yaml: rules that judge every piece of work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from rules.conditions import Condition
from rules.errors import did_you_mean
from rules.house import house_problems
from rules.parse.caps import read_caps
from rules.parse.condition import read_who
from rules.parse.consent import read_consent
from rules.parse.names import Names, Section, Subjects, check_name, nearest
from rules.parse.place import Place
from rules.parse.quiet import read_quiet
from rules.parse.routing import read_routing
from rules.parse.settings import read_holdout
from rules.phrases import plain, read_duration
from rules.playbook import HouseRule, HouseRules, Verdict
from rules.repair import repair
from rules.units import Duration

__all__ = ["read_house"]

_VERDICTS = tuple(verdict.value for verdict in Verdict)


def read_house(root: Place, names: Names, playbooks: frozenset[str]) -> HouseRules | None:
    """Return the house rules, or None where something is wrong.

    ``playbooks`` are the names of all playbooks, broken ones too.
    """
    if not root.is_mapping():
        root.error("wrong-shape", "house.yaml needs `rules:`")
        return None
    holdout_place = root.get("holdout")
    holdout = read_holdout(holdout_place) if holdout_place else Fraction(0)
    rules = _rules(root.get("rules"), names, playbooks)
    caps = read_caps(root.get("caps"), names)
    quiet, quiet_sound = read_quiet(root.get("quiet"), names)
    consent = read_consent(root.get("consent"), names)
    routing = read_routing(root.get("routing"), names)
    if (
        holdout is None
        or rules is None
        or caps is None
        or consent is None
        or routing is None
        or not quiet_sound
    ):
        return None
    house = HouseRules(
        rules=rules, holdout=holdout, caps=caps, quiet=quiet, consent=consent, routing=routing
    )
    found = house_problems(house)
    for rule, message, hint in found:
        place = next(item for item in _items(root) if item.path == rule.path)
        place.error("bad-rule", message, hint)
    return None if found else house


def _items(root: Place) -> list[Place]:
    place = root.get("rules")
    return place.items("`rules`") if place and not place.empty else []


def _rules(
    place: Place | None, names: Names, playbooks: frozenset[str]
) -> tuple[HouseRule, ...] | None:
    if place is None or place.empty:
        return ()
    found: list[HouseRule] = []
    sound = place.is_list()
    seen: set[str] = set()
    for item in place.items("`rules`"):
        rule = _rule(item, names, playbooks)
        if rule is None:
            sound = False
            continue
        if rule.name in seen:
            item.error("name-clash", f'two rules have the name "{rule.name}"')
            sound = False
        seen.add(rule.name)
        found.append(rule)
    return tuple(found) if sound else None


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
    verdict = _verdict(then, names) if then else None
    if then is None:
        place.error(
            "missing-key", "this rule has no `then`", "write then: skip, hold, or defer 1 day"
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
        verdict=verdict.kind,
        delay=verdict.delay,
        role=verdict.role,
        channel=verdict.channel,
        purposes=of_work.get("purpose", ()),
        playbooks=of_work.get("playbook", ()),
        channels=of_work.get("channel", ()),
        customer=condition,
        running_purposes=of_running.get("purpose", ()),
        running_playbooks=of_running.get("playbook", ()),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Then:
    """What ``then`` says."""

    kind: Verdict
    delay: Duration | None = None
    role: str | None = None
    channel: str | None = None


def _verdict(place: Place, names: Names) -> _Then | None:
    text = place.text()
    if text is None:
        return None
    words = plain(text)
    first, _, rest = words.partition(" ")
    match first:
        case "skip" | "hold" if not rest:
            return _Then(kind=Verdict(first))
        case "defer":
            if not rest:
                place.error("bad-phrase", "`defer` needs a time", "write defer 1 day")
                return None
            delay = _delay(place, rest)
            return _Then(kind=Verdict.DEFER, delay=delay) if delay else None
        case "assign":
            roles = names.vocabulary.roles
            role = _named(place, "assign", rest, roles, Section.ROLES, names)
            return _Then(kind=Verdict.ASSIGN, role=role) if role else None
        case "use":
            channels = names.vocabulary.channels
            channel = _named(place, "use", rest, channels, Section.CHANNELS, names)
            return _Then(kind=Verdict.USE, channel=channel) if channel else None
        case _:
            hint = f"write {first}" if first in _VERDICTS else did_you_mean(first, _VERDICTS)
            place.error("bad-word", f'`then` can\'t be "{text}"', hint)
            return None


def _named(
    place: Place, word: str, rest: str, known: Mapping[str, object], section: Section, names: Names
) -> str | None:
    """Return the role of ``assign`` or the channel of ``use``."""
    if rest in known:
        return rest
    if not rest:
        what = "a role" if section is Section.ROLES else "a channel"
        example = f"write {word} {sorted(known)[0]}" if known else ""
        place.error("bad-phrase", f"`{word}` needs {what}", example)
    elif not names.silent(rest, section):
        hint = nearest(rest, known, section)
        place.error(f"unknown-{section.value}", f'no {section.value} "{rest}"', hint)
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
