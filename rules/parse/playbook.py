"""One playbook file: who, when, how often, what then, and what ends it."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from rules.errors import did_you_mean
from rules.measures import Catalogue
from rules.parse.condition import read_who
from rules.parse.definitions import read_definitions
from rules.parse.names import Left, Names, Section, Subjects, check_name
from rules.parse.place import Place
from rules.parse.same import begun_by
from rules.parse.scope import Around
from rules.parse.settings import (
    read_after,
    read_count,
    read_holdout,
    read_word,
)
from rules.parse.steps import read_steps
from rules.parse.stops import read_stops
from rules.parse.tree import step_names
from rules.parse.trigger import read_triggers, trigger_fields
from rules.phrases import plain, read_number
from rules.playbook import (
    Existing,
    Migrate,
    Overlap,
    Playbook,
    Status,
    Stop,
    Trigger,
    TriggerKind,
)
from rules.templates import Text
from rules.units import Duration

__all__ = ["read_playbook"]

_NEVER = {
    TriggerKind.FIRST,
    TriggerKind.ENTERS,
    TriggerKind.LEAVES,
    TriggerKind.CHANGES,
    TriggerKind.MANUAL,
}


def read_playbook(
    root: Place,
    names: Names,
    shared: Catalogue,
    around: Around,
    *,
    file: str,
    source: str,
) -> Playbook | None:
    """Return a playbook without its revision, or None where something in it is wrong."""
    if not root.is_mapping():
        root.error("wrong-shape", "a playbook begins with `playbook: <name>`")
        return None
    name = _name(root)
    defined = read_definitions(root, names, shared)
    names = defined.names.copy()
    trigger_place, steps_place = root.get("trigger"), root.get("steps")
    if trigger_place is None:
        hint = "write trigger: {event: ...} or {enters: ...}"
        root.error("missing-key", "the playbook has no `trigger`", hint)
    if steps_place is None:
        root.error("missing-key", "the playbook has no `steps`", "add steps: and a dash a step")
    triggers = read_triggers(trigger_place, names) if trigger_place else None
    every_step = step_names(steps_place)
    customer = Subjects(names=names, step_names=every_step)
    subjects = _subjects(names, triggers, every_step)
    steps, results, texts = (
        read_steps(steps_place, names, subjects, triggers, around)
        if steps_place
        else (None, dict[str, Left](), dict[str, Text]())
    )
    only, excepted = root.get("only"), root.get("except")
    who = read_who(only, customer) if only else None
    whom_not = read_who(excepted, customer) if excepted else None
    stops = read_stops(root.get("stop_when"), replace(subjects, steps=results), triggers)
    again = _again(root, triggers)
    overlap = _overlap(root.get("overlap"), stops or ())
    existing = _existing(root.get("existing"), triggers)
    settings = _Settings(root, names)
    if (
        name is None
        or triggers is None
        or steps is None
        or stops is None
        or again is None
        or (only and who is None)
        or (excepted and whom_not is None)
    ):
        return None
    return Playbook(
        name=name,
        title=root.label("title"),
        file=file,
        span=root.span,
        owner=settings.owner,
        status=settings.status,
        purpose=settings.purpose,
        priority=settings.priority,
        catalogue=_with_since(defined.catalogue, triggers, names),
        triggers=triggers,
        only=who,
        excepted=whom_not,
        again=again if isinstance(again, Duration) else None,
        again_ever=again is True,
        overlap=overlap,
        existing=existing,
        holdout=settings.holdout,
        per_run=settings.per_run,
        stops=stops,
        steps=steps,
        migrate=settings.migrate,
        texts=texts,
        source=source,
    )


def _with_since(catalogue: Catalogue, triggers: tuple[Trigger, ...], names: Names) -> Catalogue:
    """Return the catalogue with the measures that ``since: last_time order`` makes."""
    asked = [each.every.since for each in triggers if each.every and each.every.since]
    made = {name: names.measures[name] for name in asked if name not in catalogue.measures}
    return replace(catalogue, measures={**catalogue.measures, **made}) if made else catalogue


def _name(root: Place) -> str | None:
    place = root.get("playbook")
    if place is None:
        root.error(
            "missing-key",
            "this file does not say which playbook it is",
            "begin it with `playbook: <name>`",
        )
        return None
    name = place.text()
    return name if name is not None and check_name(name, place, "playbook") else None


class _Settings:
    """The plain settings of a playbook, each with its default where it is wrong or missing."""

    def __init__(self, root: Place, names: Names) -> None:
        self.owner = root.label("owner")
        if not self.owner and root.get("owner") is None:
            root.warn("no-owner", "the playbook has no owner", "add owner: with a team or person")
        status = root.get("status")
        word = read_word(status, [each.value for each in Status]) if status else None
        self.status = Status(word) if word else Status.ACTIVE
        self.purpose = _purpose(root.get("purpose"))
        self.priority = _priority(root.get("priority"))
        holdout, limits = root.get("holdout"), root.get("limits")
        self.holdout = (read_holdout(holdout) if holdout else None) or Fraction(0)
        per_run = limits.get("per_run") if limits else None
        migrate = root.get("migrate")
        word = read_word(migrate, [each.value for each in Migrate]) if migrate else None
        self.migrate = Migrate(word) if word else Migrate.STAY
        self.per_run = (read_count(per_run) if per_run else None) or names.vocabulary.per_run


def _purpose(place: Place | None) -> str:
    text = place.text() if place else None
    return text if place and text is not None and check_name(text, place, "purpose") else ""


def _priority(place: Place | None) -> int:
    text = place.text() if place else None
    if place is None or text is None:
        return 0
    number = read_number(text)
    if number is not None and number.denominator == 1:
        return int(number)
    message = f'`priority` is a whole number and can\'t be "{text}"'
    place.error("bad-number", message, "write priority: 100; higher is served first")
    return 0


def _subjects(
    names: Names, triggers: tuple[Trigger, ...] | None, steps: frozenset[str]
) -> Subjects:
    fields = trigger_fields(triggers, names) if triggers is not None else {}
    if triggers is None:
        # Unknown trigger, unknown fields: nothing more to say about `trigger.x`.
        names.opened.add(Section.FIELDS)
    return Subjects(
        names=names,
        trigger=fields,
        trigger_why="this playbook is not begun by events alone, so `trigger.` has no fields",
        eventless=triggers is not None and not all(map(begun_by, triggers)),
        steps={},
        step_names=steps,
    )


def _again(root: Place, triggers: tuple[Trigger, ...] | None) -> Duration | bool | None:
    """Return True for always, False for never, a duration for after D, None where wrong."""
    place = root.get("again")
    if place is None:
        kinds = {trigger.kind in _NEVER for trigger in triggers or ()}
        if len(kinds) == 2:
            message = "the triggers differ in how often they may repeat, so `never` is taken"
            root.warn("again-unclear", message, "write again: always, or again: never")
        return kinds == {False}
    text = place.text()
    if text in ("always", "never"):
        return text == "always"
    if text is None:
        return None
    if plain(text).casefold() in ("yes", "true", "every time", "each time"):
        place.error("bad-phrase", f'`again` can\'t be "{text}"', "write always")
        return None
    if plain(text).casefold() in ("no", "false", "once", "only once"):
        place.error("bad-phrase", f'`again` can\'t be "{text}"', "write never")
        return None
    if not any(letter.isdigit() for letter in text) and not text.startswith("after"):
        hint = did_you_mean(text, ("always", "never"))
        place.error("bad-phrase", f'`again` can\'t be "{text}"', hint or "write after 90 days")
        return None
    return read_after(place, "90 days")


def _overlap(place: Place | None, stops: tuple[Stop, ...]) -> Overlap:
    default = Overlap.PARALLEL if any(stop.same for stop in stops) else Overlap.IGNORE
    if place is None:
        return default
    word = read_word(place, [each.value for each in Overlap])
    return Overlap(word) if word else default


def _existing(place: Place | None, triggers: tuple[Trigger, ...] | None) -> Existing:
    word = read_word(place, [each.value for each in Existing]) if place else None
    if place and word == Existing.ENROL and triggers is not None:
        edges = (TriggerKind.ENTERS, TriggerKind.CHANGES)
        if not any(t.kind in edges or (t.kind is TriggerKind.DATE and t.back) for t in triggers):
            message = (
                "`existing: enrol` needs a trigger `enters`, `changes` or `date` with `before`"
            )
            place.error("bad-trigger", message, "write existing: skip")
    return Existing(word) if word else Existing.SKIP
