"""Texts in Liquid: what filters give, what is known where, and limits that nothing gets over."""

from __future__ import annotations

import datetime as dt
import re
from contextlib import suppress
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.errors import InputError
from rules.measures import Quantity
from rules.parse.texts import BUILT_IN
from rules.templates import Text, TextKind
from rules.templates.fill import fill
from rules.templates.filters import FILTERS, LIMIT
from rules.templates.scan import TAGS
from rules.templates.study import study
from rules.templates.values import Lasting, Moment, Share, cleaned, number, of_field, of_measure
from rules.units import MICROS, day_number, from_iso
from rules.values import Amount
from rules.vocabulary import FieldKind

ZONE = "Asia/Shanghai"
DAY = Moment("2025-03-03", dt.date(2025, 3, 3))
INSTANT = Moment("2025-03-03 14:05", dt.datetime(2025, 3, 3, 14, 5, tzinfo=dt.UTC))
SHARE = Share("45%", Fraction(45, 100))
LASTING = Lasting("3.5 hours", Fraction(12_600 * MICROS))


def names(source: str) -> tuple[str, ...]:
    return tuple(sorted({use.name for use in study(source).uses}))


def said(source: str, **values: Any) -> str:
    """Return a plain text with values put in; ``x`` is ``customer.x``."""
    text = Text(file="a.txt", kind=TextKind.PLAIN, body=source, names=names(source))
    return fill(text, {f"customer.{name}": value for name, value in values.items()}).text


def shown(expression: str, value: Any) -> str:
    return said(f"{{{{ customer.x | {expression} }}}}", x=value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (12, "12"),
        (Decimal("12.5"), "12.5"),
        (True, "yes"),
        (False, "no"),
        ("王丽", "王丽"),
        (["价格", "服务"], "价格, 服务"),
        (DAY, "2025-03-03"),
        (INSTANT, "2025-03-03 14:05"),
        (SHARE, "45%"),
        (LASTING, "3.5 hours"),
    ],
)
def test_values_print_as_people_write_them(value: Any, expected: str) -> None:
    """Numbers plainly, yes and no as words, times as ISO text, lists with commas."""
    assert said("{{ customer.x }}", x=value) == expected


@pytest.mark.parametrize(
    ("expression", "value", "expected"),
    [
        ("abs", -3, "3"),
        ('append: "!"', "a", "a!"),
        ("at_least: 5", 3, "5"),
        ("at_most: 5", 9, "5"),
        ("capitalize", "hello WORLD", "Hello world"),
        ("ceil", Decimal("2.1"), "3"),
        ("ceil", -2, "-2"),
        ('date: "%Y年%-m月%-d日 %H:%M %a %j%%"', INSTANT, "2025年3月3日 14:05 Mon 062%"),
        ("date_cn", DAY, "2025年3月3日"),
        ("date_cn", INSTANT, "2025年3月3日 14:05"),
        ("days", LASTING, "0.15"),
        ('default: "无"', None, "无"),
        ('default: "无"', "", "无"),
        ('default: "无"', False, "no"),
        ('default: "无"', 0, "0"),
        ("divided_by: 2", 5, "2.5"),
        ("divided_by: 3", 1, "0.333333"),
        ("downcase", "ABC", "abc"),
        ("first", ["a", "b"], "a"),
        ("floor", Decimal("-2.1"), "-3"),
        ("hours", LASTING, "3.5"),
        ('join: "、"', ["a", "b"], "a、b"),
        ("last", ["a", "b"], "b"),
        ("minus: 1.5", 3, "1.5"),
        ("minutes", LASTING, "210"),
        ("money", Decimal("1234567.5"), "1,234,567.50"),
        ('money: "¥"', -3, "-¥3.00"),
        ("plus: 1", "41", "42"),
        ('prepend: "尊敬的"', "王丽", "尊敬的王丽"),
        ('remove: "a"', "banana", "bnn"),
        ('replace: "a", "o"', "banana", "bonono"),
        ("round", Decimal("2.5"), "2"),
        ("round: 1", Decimal("2.25"), "2.2"),
        ("size", ["a", "b"], "2"),
        ("size", "王丽", "2"),
        ("slice: 0", "王丽", "王"),
        ("slice: -2, 2", "13800138000", "00"),
        ("sort | first", ["b", "a"], "a"),
        ('split: "," | last', "a,b", "b"),
        ("squish", " a \n b ", "a b"),
        ("strip", " a ", "a"),
        ("times: 1.1", 3, "3.3"),
        ('truncate: 4, "…"', "一二三四五六", "一二三…"),
        ("uniq | size", ["a", "a"], "1"),
        ("upcase", "abc", "ABC"),
        ("url_encode", "a b&王", "a%20b%26%E7%8E%8B"),
        ("weekday_cn", DAY, "星期一"),
    ],
)
def test_filters(expression: str, value: Any, expected: str) -> None:
    """What each filter makes of a value; numbers are exact."""
    assert shown(expression, value) == expected


def test_every_filter_is_tried() -> None:
    """The list above leaves none out."""
    tried = test_filters.pytestmark[0].args[1]  # type: ignore[attr-defined]
    written = " | ".join(expression for expression, _, _ in tried)

    assert [name for name in FILTERS if f"{name}" not in written] == []


@pytest.mark.parametrize(
    ("expression", "value", "why"),
    [
        ("plus: 1", "王丽", "the value is no number (filter plus)"),
        ("divided_by: 0", 1, "nothing can be divided by 0 (filter divided_by)"),
        ("date_cn", "2025-03-03", "the value is no date (filter date_cn)"),
        ('date: "%Q"', DAY, "a date has no part %Q; known here: "),
        ("hours", 3, "the value is no length of time (filter hours)"),
        ("slice: 1.5", "abc", "the value is no whole number that fits here (filter slice)"),
        ("times: 999999999999999", 999999999999999, "the number is too large (filter times)"),
    ],
)
def test_what_a_filter_can_not_do_is_told_without_the_value(
    expression: str, value: Any, why: str
) -> None:
    """A value may be personal: the reason does not repeat it."""
    with pytest.raises(InputError) as failure:
        shown(expression, value)

    assert str(failure.value).startswith(why)


def test_conditions_compare_by_value() -> None:
    """Numbers, shares, days and words compare as in conditions; what is unknown is false."""
    source = (
        "{% if customer.n > 2.5 %}a{% endif %}{% if customer.share < 0.45 %}b{% endif %}"
        '{% if customer.share == 0.45 %}c{% endif %}{% if customer.day < "2025-03-04" %}d{% endif %}'
        '{% if customer.words contains "价格" %}e{% endif %}{% if customer.yes %}f{% endif %}'
        "{% if customer.nobody %}g{% endif %}{% if customer.nobody == nil %}h{% endif %}"
        "{% if customer.nobody > 1 %}i{% endif %}{% unless customer.nobody %}j{% endunless %}"
        "{% for word in customer.words %}{{ forloop.index }}{{ word }}{% endfor %}"
        "{% for word in customer.nobody %}k{% endfor %}"
        '{% case customer.word %}{% when "a", "b" %}l{% else %}m{% endcase %}'
    )

    found = said(source, n=3, share=SHARE, day=DAY, words=["价格", "服务"], yes=True, word="b")
    assert found == "acdefhj1价格2服务l"


def test_exactness_is_that_of_the_written_number() -> None:
    """0.1 in a text is a tenth, not the nearest double."""
    assert said("{% if customer.n == 0.1 %}same{% endif %}", n=Decimal("0.1")) == "same"
    assert said("{% if customer.n < 0.3 %}less{% else %}not{% endif %}", n=Decimal("0.3")) == "not"


@pytest.mark.parametrize(
    "source",
    [
        "{{ customer.x }}",
        "{{ customer.x | upcase }}",
        "{% assign y = customer.x %}{{ y }}",
        '{{ "a" | append: customer.x }}',
    ],
)
def test_an_unknown_value_is_told_by_its_name(source: str) -> None:
    """What is printed and nobody knows keeps the text back."""
    with pytest.raises(InputError) as failure:
        said(source)

    assert str(failure.value) == "customer.x is unknown, and the text has no default for it"


def test_names_may_be_chinese() -> None:
    """Attributes, steps and what they ask for are named as in the YAML, with a dot or in quotes."""
    source = "{{ customer.行业 }} {{ customer['2024 plan'] }} {{ 回访.满意度 }} {{ 价值分层 }}"

    assert names(source) == ("customer.2024 plan", "customer.行业", "价值分层", "回访.满意度")
    text = Text(file="a", kind=TextKind.PLAIN, body=source, names=names(source))
    values = {"customer.行业": "零售", "customer.2024 plan": 1, "回访.满意度": 5, "价值分层": "A"}
    assert fill(text, values).text == "零售 1 5 A"


def test_a_default_may_stand_behind_other_filters() -> None:
    """Filters pass on what is unknown."""
    assert said('{{ customer.x | upcase | truncate: 3 | default: "无" }}') == "无"


@pytest.mark.parametrize(
    ("source", "bare"),
    [
        ("{{ customer.a }}", ["customer.a"]),
        ('{{ customer.a | default: "x" }}', []),
        ("{{ customer.a | default: customer.b }}", ["customer.b"]),
        ("{% if customer.a %}{{ customer.a }}{% endif %}", []),
        ("{% if customer.a %}x{% else %}{{ customer.a }}{% endif %}", ["customer.a"]),
        ("{% unless customer.a %}{{ customer.a }}{% else %}{{ customer.a }}{% endunless %}", ["customer.a"]),
        ("{% if customer.a and customer.b %}{{ customer.a }}{{ customer.b }}{% endif %}", []),
        ("{% if customer.a or customer.b %}{{ customer.a }}{% endif %}", ["customer.a"]),
        ("{% if customer.a > 1 %}{{ customer.a }}{% endif %}", []),
        ('{% if customer.a == "x" %}{{ customer.a }}{% endif %}', []),
        ('{% if customer.a != "x" %}{{ customer.a }}{% endif %}', ["customer.a"]),
        ("{% if customer.a != nil %}{{ customer.a }}{% endif %}", []),
        ("{% if customer.a == nil %}x{% else %}{{ customer.a }}{% endif %}", []),
        ('{% case customer.a %}{% when "x" %}{{ customer.a }}{% else %}{{ customer.a }}{% endcase %}', ["customer.a"]),
        ("{% for x in customer.a %}{{ x }}{{ customer.a }}{% endfor %}", []),
    ],
)  # fmt: skip
def test_what_is_printed_without_a_fallback(source: str, bare: list[str]) -> None:
    """The check sees where a value is asked for before it is printed; and it is right to: where it
    finds nothing the text is filled in although nothing is known.
    """
    found = study(source)

    assert [use.name for use in found.uses if use.bare] == bare
    if not bare:
        assert said(source) is not None
    else:
        with pytest.raises(InputError):
            said(source, b=None) if bare == ["customer.b"] else said(source, b=1)


PIECES = st.one_of(
    st.sampled_from(
        [
            "{{ customer.x }}", '{{ customer.x | default: "a" }}', "{% if customer.x %}", "{% else %}",
            "{% elsif customer.y > 2 %}", "{% endif %}", "{% for i in customer.x %}", "{% endfor %}",
            "{% assign z = customer.x %}", "{{ z }}", "{{ z | append: z }}", "{% assign z = z | append: z %}",
            "{{ customer.x | times: customer.y | round: 2 }}", "{{ customer.x | replace: customer.y, customer.x }}",
            '{{ customer.x | split: "" | join: customer.x }}', "{{ customer.x | date: customer.y }}",
            "{% case customer.x %}", '{% when "a" %}', "{% endcase %}", "{% raw %}{{", "{% endraw %}",
            "{% comment %}", "{% endcomment %}", "{{", "}}", "{%", "%}", "|", '"', "“", "{{ customer.x", "您好\n",
            "{% break %}", "{{ customer.x.y }}", "{{ customer['x'] }}", "{% # 注 %}", "{%- if true -%}", "{{ forloop.index }}",
            "{{ customer.x | slice: customer.y, customer.y }}", "{% unless customer.x contains customer.y %}", "{% endunless %}",
        ]
    ),
    st.text(max_size=6),
)  # fmt: skip
VALUES = st.one_of(
    st.none(), st.integers(-(10**14), 10**14), st.text(max_size=30).map(cleaned), st.booleans(),
    st.decimals(-1000, 1000, places=4).map(lambda value: number(Fraction(value))),
    st.lists(st.text(max_size=5), max_size=5), st.just(DAY), st.just(INSTANT), st.just(SHARE),
    st.just(LASTING), st.just("a" * 30_000),
)  # fmt: skip


@given(st.lists(PIECES, max_size=12).map("".join), VALUES, VALUES)
def test_no_text_and_no_value_breaks_anything(source: str, x: Any, y: Any) -> None:
    """Of any text either a fault is told with its place, or it is filled in within its limits, or it
    is told in words why not.
    """
    found = study(source)
    errors = [fault for fault in found.faults if not fault.warning]
    assert all(0 <= fault.at <= len(source) and fault.message for fault in errors)
    if errors:
        return
    with suppress(InputError):
        assert len(said(source, x=x, y=y).encode()) <= 4 * LIMIT


def test_the_page_tells_every_name_filter_and_tag() -> None:
    """docs/templates.md leaves out nothing that a text may say."""
    page = (Path(__file__).parents[2] / "docs" / "templates.md").read_text(encoding="utf-8")
    page = re.sub(r"^```.*?^```$", "", page, flags=re.MULTILINE | re.DOTALL)
    said = set(re.findall(r"[\w.]+", " ".join(re.findall(r"`([^`]+)`", page))))

    assert {*FILTERS, "default"} - said == set()
    assert set(BUILT_IN) - said == set()
    assert set(TAGS) - said == set()


def test_loops_end() -> None:
    """Loops inside each other turn a thousand times at most."""
    source = "{% for a in customer.x %}{% for b in customer.x %}.{% endfor %}{% endfor %}"

    assert len(said(source, x=["a"] * 31)) == 961
    with pytest.raises(InputError, match="its loops turn more than 1,000 times"):
        said(source, x=["a"] * 32)


def test_values_of_fields() -> None:
    """What the log holds, for a text: numbers unscaled, dates local, empty texts as unknown."""
    instant = from_iso("2025-03-03T14:05", ZONE)
    day = day_number(dt.date(2025, 3, 3))

    assert of_field(FieldKind.NUMBER, 125_000, ZONE) == Decimal("12.5")
    assert of_field(FieldKind.NUMBER, 120_000, ZONE) == 12
    assert of_field(FieldKind.DATE, day, ZONE) == "2025-03-03"
    assert of_field(FieldKind.INSTANT, instant, ZONE) == "2025-03-03 14:05"
    assert of_field(FieldKind.INSTANT, instant, "UTC") == "2025-03-03 06:05"
    assert of_field(FieldKind.TEXT, " \x00王\u200b丽\ud800 ", ZONE) == "王\u200b丽"
    assert of_field(FieldKind.TEXT, "  ", ZONE) is None
    assert of_field(FieldKind.WORDS, ("a", "b"), ZONE) == ["a", "b"]
    assert of_field(FieldKind.WORDS, (), ZONE) is None
    assert of_field(FieldKind.YES_NO, False, ZONE) is False
    assert of_field(FieldKind.DATE, 10**9, ZONE) is None
    assert of_field(FieldKind.TEXT, None, ZONE) is None


def test_values_of_measures() -> None:
    """Quotients are rounded to six decimals, shares count as their value."""
    share = of_measure(Quantity.SHARE, Amount(1, 3), ZONE)
    lasting = of_measure(Quantity.TIME, Amount(5400 * MICROS, 1), ZONE)

    assert of_measure(Quantity.NUMBER, Amount(1, 3), ZONE) == Decimal("0.333333")
    assert isinstance(share, Share)
    assert (str(share), share.value) == ("33.33%", Decimal("0.333333"))
    assert isinstance(lasting, Lasting)
    assert (str(lasting), shown("minutes", lasting)) == ("1.5 hours", "90")
    assert of_measure(Quantity.NUMBER, None, ZONE) is None
    assert of_measure(Quantity.YES_NO, True, ZONE) is True
    assert of_measure(Quantity.TEXT, "a", ZONE) == "a"
