"""The house rules that bear on a playbook, as sentences."""

from __future__ import annotations

from collections.abc import Iterator

from engine.handbook.sentences import Sentences
from engine.handbook.tongue import span
from rules.playbook import Cap, Do, HouseRule, HouseRules, Playbook, Verdict, walk
from rules.vocabulary import Vocabulary

__all__ = ["house_sentences"]


def house_sentences(house: HouseRules, playbook: Playbook, say: Sentences) -> list[str]:
    """Return what binds a playbook, in the order of house.yaml: rules, caps, quiet hours, consent."""
    steps = [step for step in walk(playbook.steps) if isinstance(step, Do)]
    routed = {route.use for route in house.routing if not route.of_attribute}
    if any(route.of_attribute for route in house.routing):
        routed = set(say.vocabulary.channels)
    used = {step.channel for step in steps if step.channel != "message"}
    if any(step.channel == "message" for step in steps):
        used |= routed
    return list(_sentences(house, playbook, say, used))


def _sentences(
    house: HouseRules, playbook: Playbook, say: Sentences, used: set[str]
) -> Iterator[str]:
    for rule in house.rules:
        if (
            _among(playbook.purpose, rule.purposes)
            and _among(playbook.name, rule.playbooks)
            and (not rule.channels or used & set(rule.channels))
        ):
            yield _rule(rule, say)
    reaching = {name for name in used if _reaches(say.vocabulary, name)}
    for cap in house.caps:
        bound = _among(playbook.purpose, cap.purposes) and playbook.purpose not in cap.exempt
        if bound and reaching & set(cap.channels or reaching):
            yield _cap(cap, say)
    quiet = house.quiet
    if (
        quiet
        and playbook.purpose not in quiet.exempt
        and reaching & set(quiet.channels or reaching)
    ):
        then = say.label("h_skip" if quiet.verdict is Verdict.SKIP else "h_wait")
        yield say.label("h_quiet", f"{quiet.start:%H:%M}", f"{quiet.end:%H:%M}", then)
    for consent in house.consent:
        channel = consent.channel
        if _among(playbook.purpose, consent.purposes) and (channel == "all" or channel in reaching):
            name = say.label("every_channel") if channel == "all" else channel
            form = "h_refuses" if consent.refuses else "h_consent"
            if reaching:
                yield say.label(form, name, consent.attribute)


def _rule(rule: HouseRule, say: Sentences) -> str:
    conditions = []
    if rule.customer is not None:
        conditions.append(say.label("h_if", say.condition(rule.customer)))
    running = [*rule.running_purposes, *map(say.playbook, rule.running_playbooks)]
    if running:
        conditions.append(say.label("h_running", say.joined(running, either=True)))
    if rule.channels:
        conditions.append(say.label("h_through", say.joined(rule.channels, either=True)))
    match rule.verdict:
        case Verdict.DEFER:
            then = say.label("h_defer", span(rule.delay, say.tongue))
        case Verdict.ASSIGN:
            then = say.label("h_assign", say.role(rule.role or ""))
        case Verdict.USE:
            then = say.label("h_use", rule.channel)
        case _:
            then = say.label(f"h_{rule.verdict.value}")
    when = say.listed(conditions) or say.label("h_all")
    return say.label("h_rule", rule.name, when, then)


def _cap(cap: Cap, say: Sentences) -> str:
    channels = say.joined(cap.channels, either=True)
    through = say.label("h_channels", channels) if channels else ""
    then = say.label("h_skip" if cap.verdict is Verdict.SKIP else "h_deferred")
    return say.label("h_cap", cap.at_most, span(cap.per, say.tongue), through, then)


def _among(name: str, names: tuple[str, ...]) -> bool:
    return not names or name in names


def _reaches(vocabulary: Vocabulary, name: str) -> bool:
    channel = vocabulary.channels.get(name)
    return channel is None or channel.reaches_customer
