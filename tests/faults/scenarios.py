"""What care is doing when it is killed: projects, made ready, and the commands that are cut."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from engine.ingest.reading import several
from engine.ingest.taking import spool_of
from engine.paths import paths_of
from engine.spool import Shape
from tests.factories import CARE, IMPORTS, Shop, at, event, profile

__all__ = ["AT", "NEXT", "SCENARIOS", "Scenario"]

LIVE = "2025-03-03T08:00"  #: run while the project is made ready: baselines are taken
AT = "2025-03-03T12:00"  #: T of the run that is cut
NEXT = "2025-03-03T18:00"  #: T of the run after that

_RUN = ("run", "--matcher", "reference", "--at", "{at}")
_TEXT = 'brief: "您好 #{{ customer.id }}/STEP#"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One project and what is done in it."""

    books: Mapping[str, str] = field(default_factory=dict)
    house: str = ""
    live: bool = True  #: a run was made before anything happens
    ready: Callable[[Shop], None]  #: what happens before the run that is cut
    at: str = AT
    next: str = NEXT
    commands: tuple[tuple[str, ...], ...] = (_RUN,)  #: ``{at}``, ``{task}`` are filled in
    answer: str = "ok"  #: of the other side
    loose: bool = False  #: whether and when it was taken depends on the number of tries
    table: str = ""  #: file of which the content is compared


def _step(step: str, channel: str, due: str = "now", more: str = "") -> str:
    text = _TEXT.replace("STEP", step)
    return f"  - {{step: {step}, do: {channel}, from: entry, due: {due}, {text}{more}}}\n"


def _book(trigger: str, *steps: str, more: str = "") -> str:
    return f"trigger: {trigger}\n{more}steps:\n{''.join(steps)}"


def channels(mail: int) -> str:
    """Return care.yaml with a channel of each kind that can be counted; addresses are in files."""
    more = (
        f"  mail: {{kind: smtp, to: customer.address, host: 127.0.0.1, port: {mail}, tls: none,"
        " sender: care@example.com}\n"
        '  hook: {kind: webhook, url: "${file:hook.url}", allow_private: yes}\n'
        '  bot: {kind: wecom_bot, url: "${file:bot.url}", allow_private: yes,'
        " reaches_customer: no}\n"
    )
    care = CARE.replace("  letter: {kind: file}\n", f"  letter: {{kind: file}}\n{more}")
    return f"{care}limits: {{deliver_for: 10 seconds}}\n"


_CALL = (
    "  - {step: ring, do: call, from: entry, due: within 1 day, assign: owner, outcomes: [ok]}\n"
)
_EARLIER = "2025-03-03T10:00"


def _visits(shop: Shop) -> None:
    shop.events(*(event(f"c{n}", "visit", _EARLIER) for n in range(1, 4)))


def _signups(shop: Shop) -> None:
    shop.events(*(event(f"c{n}", "signup", _EARLIER) for n in range(1, 4)))


def _orders(shop: Shop) -> None:
    shop.events(*(event(f"c{n}", "order", _EARLIER, amount=5) for n in range(1, 4)))


def _many_orders(shop: Shop) -> None:
    shop.events(*(event(f"c{n}", "order", _EARLIER, amount=5) for n in range(1, 24)))


def _complaints(shop: Shop) -> None:
    shop.events(*(event(f"c{n}", "complaint", _EARLIER, case_id=str(n)) for n in (1, 2)))


def _addresses(shop: Shop) -> None:
    shop.customers(
        *(profile(f"c{n}", "2025-02-01", address=f"c{n}@example.com") for n in range(1, 4))
    )
    _visits(shop)


def _decided(shop: Shop) -> None:
    _complaints(shop)
    shop.run(AT, clock=lambda: at(AT))


def _solved(shop: Shop) -> None:
    _decided(shop)
    shop.events(*(event(f"c{n}", "solved", "2025-03-03T15:00", case_id=str(n)) for n in (1, 2)))


def _bought(shop: Shop) -> None:
    _decided(shop)
    shop.events(event("c1", "order", "2025-03-03T15:00", amount=9))


def _edited(shop: Shop) -> None:
    _decided(shop)
    text = (shop.root / "playbooks/p.yaml").read_text(encoding="utf-8")
    shop.write("playbooks/p.yaml", text.replace("after 1 day", "after 2 days"))


def _to_import(shop: Shop) -> None:
    shop.write("imports/events.yaml", IMPORTS["events"])
    rows = [event(f"c{n}", "complaint", _EARLIER, case_id=str(n)) for n in (1, 2, 3)]
    shop.file(rows).rename(shop.root / "data/new.csv")


def _to_take(shop: Shop) -> None:
    spool = spool_of(paths_of(shop.root), shop.project.vocabulary)
    for number in range(1, 4):
        body = {
            "type": "track", "event": "complaint", "userId": f"c{number}",
            "messageId": f"m{number}", "timestamp": "2025-03-03T02:00:00Z",
            "properties": {"case_id": str(number)},
        }  # fmt: skip
        receipts, _ = several([body], at=at(_EARLIER) + number, shape=Shape.SEGMENT)
        spool.put(receipts, at=at(_EARLIER) + number)


def _capped(shop: Shop) -> None:
    shop.events(*(event(f"c{n}", name, _EARLIER) for n in (1, 2) for name in ("visit", "signup")))


_REPAIR = _book(
    "{event: complaint}", _step("sorry", "letter"), _step("hook", "hook"), _CALL,
    _step("later", "letter", "after 1 day"),
)  # fmt: skip
_LATER = {"at": NEXT, "next": "2025-03-04T18:00"}

SCENARIOS: Mapping[str, Scenario] = {
    "baseline": Scenario(
        books={
            "gift": _book("{enters: active}", _step("gift", "letter"), more="again: always\n"),
            "big": _book("{enters: buyers}", _step("hi", "letter")),
        },
        live=False, ready=_orders,
    ),
    "signups": Scenario(
        books={"p": _book("{event: signup}", _step("hook", "hook"), _step("hi", "letter"))},
        ready=_signups,
    ),
    "segment": Scenario(
        books={"gift": _book("{enters: active}", _step("gift", "hook"), more="again: always\n")},
        ready=_orders,
    ),
    "complaint": Scenario(books={"p": _REPAIR}, ready=_complaints),
    "escalation": Scenario(
        books={
            "p": _book(
                "{event: complaint}",
                "  - {step: ring, do: call, due: within 1 hour, assign: owner, outcomes: [ok],"
                " if_overdue: {escalate: boss, after: 1 working hours}}\n",
                _step("hook", "hook", "after 5 hours"),
            )
        },
        ready=_decided, **_LATER,
    ),
    "done": Scenario(
        books={"p": _REPAIR}, ready=_decided, **_LATER,
        commands=(
            ("done", "{task}", "--outcome", "ok", "--at", "2025-03-03T14:00", "--who", "甲"), _RUN,
        ),
    ),
    "stop": Scenario(
        books={
            "p": _REPAIR.replace("steps:", "stop_when: [{event: solved, same: case_id}]\nsteps:")
        },
        ready=_solved, **_LATER,
    ),
    "goal": Scenario(
        books={"p": _REPAIR.replace("steps:", "stop_when: [{event: order, goal: bought}]\nsteps:")},
        ready=_bought, **_LATER,
    ),
    "time_out": Scenario(
        books={
            "p": _book(
                "{event: complaint}",
                "  - step: answer\n    wait: [{event: visit, up_to: 3 hours}]\n"
                "    then: [{step: thanks, do: letter}]\n"
                "    else: [{step: ring, do: call, due: within 1 day, assign: boss}]\n",
                _step("hook", "hook", "after 4 hours"),
            )
        },
        ready=_decided, **_LATER,
    ),
    "feed": Scenario(
        books={
            "p": _REPAIR,
            "told": _book("{event: care_sent}", _step("look", "letter"), more="overlap: parallel\n")
            .replace("{event: care_sent}", "{event: care_sent, where: {playbook: p}}"),
        },
        ready=_decided, **_LATER,
    ),
    "import": Scenario(
        books={"p": _REPAIR}, ready=_to_import,
        commands=(
            ("import", "{root}/data/new.csv", "--map", "{root}/imports/events.yaml"), _RUN,
        ),
    ),
    "spool": Scenario(books={"p": _REPAIR}, ready=_to_take),
    "hook_503": Scenario(
        books={"p": _book("{event: visit}", _step("hook", "hook"))}, ready=_visits,
        answer="first_503", loose=True,
    ),
    "hook_cut": Scenario(
        books={"p": _book("{event: visit}", _step("hook", "hook"))}, ready=_visits,
        answer="first_cut", loose=True,
    ),
    "mail": Scenario(
        books={"p": _book("{event: visit}", _step("mail", "mail"))}, ready=_addresses
    ),
    "mail_cut": Scenario(
        books={"p": _book("{event: visit}", _step("mail", "mail"))}, ready=_addresses,
        answer="first_cut", loose=True,
    ),
    "bot": Scenario(books={"p": _book("{event: order}", _step("bot", "bot"))}, ready=_orders),
    "digest": Scenario(
        books={"p": _book("{event: order}", _step("bot", "bot"))}, ready=_many_orders, loose=True
    ),
    "migrate": Scenario(
        books={"p": _REPAIR.replace("steps:", "migrate: move\nsteps:")}, ready=_edited, **_LATER
    ),
    "caps": Scenario(
        books={
            "p": _book("{event: visit}", _step("hook", "hook")),
            "q": _book("{event: signup}", _step("hi", "letter")),
        },
        house="caps: [{at_most: 1, per: 1 day, then: defer}]\n",
        ready=_capped, next="2025-03-04T12:30",
    ),
    "collect": Scenario(
        books={"p": _REPAIR}, ready=_complaints, table="today.csv",
        commands=(
            _RUN, ("deliver", "--channel", "letter", "--collect", "{root}/today.csv"),
        ),
    ),
}  # fmt: skip


def prepare(scenario: Scenario, root: str, web: int, mail: int) -> str:
    """Make a project ready and return the id of its first open task, "" without one."""
    from pathlib import Path

    shop = Shop(Path(root), care=channels(mail), house=scenario.house, **scenario.books)
    shop.write("hook.url", f"http://127.0.0.1:{web}/hook")
    shop.write("bot.url", f"http://127.0.0.1:{web}/bot")
    if scenario.live:
        shop.events(event("c0", "visit", "2025-02-01T10:00"))
        shop.run(LIVE)
    scenario.ready(shop)
    if not (shop.root / ".care/ledger.db").exists():
        return ""
    rows = shop.rows("SELECT id FROM actions WHERE state = 'open' ORDER BY id")
    return rows[0]["id"] if rows else ""
