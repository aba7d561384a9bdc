"""care.yaml: ``ingest``."""

from __future__ import annotations

import pytest

from rules.ingest import Anonymous, Ingest, Taking, Undeclared
from tests.projects import CARE, checked, project


def ingest(text: str) -> Ingest:
    return project(care=f"{CARE}ingest:\n{text}").vocabulary.ingest


def test_without_the_section_names_are_equal_and_no_token_is_asked() -> None:
    """A project without `ingest` takes events by their own names, refuses others, has no token."""
    assert project(care=CARE).vocabulary.ingest == Ingest()
    assert project(care=f"{CARE}ingest:\n").vocabulary.ingest == Ingest()


def test_every_key_arrives_in_its_type() -> None:
    """Short and long forms of names, both maps, words, sizes and references arrive."""
    found = ingest(
        "  token: ${env:CARE_TOKEN}\n"
        "  secret: ${file:secrets/hook}\n"
        "  events:\n"
        "    Order Completed: {event: order, fields: {amount: totals.net}, customer: client.id}\n"
        "    com.shop.visit: visit\n"
        "    com.crm.changed: {profile: yes, fields: {size: staff}}\n"
        "  attributes: {industry: branch}\n"
        "  ignore: [page, Product Viewed]\n"
        "  undeclared: ignore\n"
        "  anonymous: take\n"
        "  replies: visit\n"
        "  limit: 2 GB\n"
    )

    assert found == Ingest(
        token="${env:CARE_TOKEN}",
        secret="${file:secrets/hook}",
        events={
            "Order Completed": Taking(
                event="order", fields={"amount": "totals.net"}, customer="client.id"
            ),
            "com.shop.visit": Taking(event="visit"),
            "com.crm.changed": Taking(event=None, fields={"size": "staff"}),
        },
        attributes={"industry": "branch"},
        ignore=("page", "Product Viewed"),
        undeclared=Undeclared.IGNORE,
        anonymous=Anonymous.TAKE,
        replies="visit",
        limit=2_000_000_000,
    )


@pytest.mark.parametrize(
    ("text", "size"), [("1 MB", 1_000_000), ("64MB", 64_000_000), ("５００ mb", 500_000_000)]
)
def test_sizes_are_read_as_people_write_them(text: str, size: int) -> None:
    """A size has a unit, in any case, with or without a blank, in full-width digits too."""
    assert ingest(f"  limit: {text}\n").limit == size


def test_an_event_that_is_wrong_itself_is_not_told_twice() -> None:
    """A name of `ingest` whose declaration is wrong is no further finding."""
    care = CARE.replace("on: date", "on: dat")
    _, findings = checked(
        care=f"{care}ingest:\n  events: {{x: {{event: complaint, fields: {{on: day}}}}}}\n"
    )

    assert [finding.code for finding in findings] == ["bad-type"]
