"""What `care doctor` says of what other programs send."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.doctor import Examined
from engine.doctor_ingest import examine_ingest
from engine.paths import paths_of
from engine.spool import Receipt, Shape, Spool
from rules.units import MICROS
from tests.factories import CARE, Shop, at

NOW = at("2025-03-05T18:00")
HOUR = 3600 * MICROS


def examined(shop: Shop, *, now: int = NOW, **environ: str) -> list[Examined]:
    return list(examine_ingest(shop.project, environ, now))


def put(folder: Path, size: int = 10) -> None:
    body = {"text": "x" * size}
    Spool(folder, limit=10**9).put([Receipt(at=NOW, shape=Shape.BROKEN, body=body)], at=NOW)


def test_nothing_waits(tmp_path: Path) -> None:
    """A project that nobody sends to has one quiet line."""
    assert examined(Shop(tmp_path)) == [Examined(name="spool", fine=True, told="nothing waits")]


@pytest.mark.parametrize(
    ("size", "hours", "fine", "told"),
    [
        (10, 1, True, "1 file, 1 kB since 2025-03-05 18:00, for the next run"),
        (10, 25, False, "1 file, 1 kB since 2025-03-05 18:00: is `care run` in cron?"),
        (1_000_000, 1, False,
         ("1 file, 1001 kB since 2025-03-05 18:00, as much as it may hold: senders are turned away; "
         "`care run` empties it")),
    ],
)  # fmt: skip
def test_what_waits(tmp_path: Path, size: int, hours: int, fine: bool, told: str) -> None:
    """How much, since when; it is not fine when nobody took it for a day, or no more fits."""
    shop = Shop(tmp_path, care=CARE + "ingest: {limit: 1 MB}\n")
    put(paths_of(shop.root).spool, size)

    assert examined(shop, now=NOW + hours * HOUR) == [Examined(name="spool", fine=fine, told=told)]


def test_rejects_are_named(tmp_path: Path) -> None:
    """What was refused is counted, with the command that shows why."""
    shop = Shop(tmp_path)
    put(paths_of(shop.root).refused)

    assert examined(shop)[1] == Examined(
        name="ingest rejects", fine=True, told="1 file, 1 kB; `care ingest --rejects` shows why"
    )


def test_the_token_is_looked_for(tmp_path: Path) -> None:
    """A token that care.yaml names is there or named as missing; it is never shown."""
    shop = Shop(tmp_path, care=CARE + "ingest: {token: '${env:TOKEN}', secret: '${file:hook}'}\n")
    (tmp_path / "hook").write_text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n")

    assert examined(shop, TOKEN="0123456789")[1:] == [
        Examined(name="ingest token", fine=True, told="set")
    ]
    assert examined(shop)[1:] == [
        Examined(
            name="ingest token", fine=False,
            told="`ingest: token` needs the environment variable TOKEN, which is not set",
        )
    ]  # fmt: skip
