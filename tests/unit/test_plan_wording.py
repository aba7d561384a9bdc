"""Texts side by side."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.planning.wording import changed_texts, word_difference
from engine.render import Rendered


def test_words_and_chinese_characters() -> None:
    """Words differ as words, Chinese by the character, and what is far away is left out."""
    far = "一二三四五六七八九十" * 3

    assert word_difference("your order of May", "your invoice of May") == (
        "your [-order-]{+invoice+} of May"
    )
    assert word_difference(f"{far}好", f"{far}坏") == "…九十一二三四五六七八九十[-好-]{+坏+}"
    assert word_difference("", "新") == "{+新+}"


@given(
    old=st.text(alphabet="ab 甲乙\n", max_size=30), new=st.text(alphabet="ab 甲乙\n", max_size=30)
)
def test_a_mark_where_texts_differ(old: str, new: str) -> None:
    """Equal texts have no mark, different ones have one, all on one line."""
    shown = word_difference(old, new)

    assert ("[-" in shown or "{+" in shown) == (old != new)
    assert "\n" not in shown


def test_parts_of_a_message() -> None:
    """Each part that differs is told once: HTML that says what the text says is not told again."""
    before = Rendered(subject="a", text="x", html="<p>x</p>", attachments=("one.pdf",))
    after = Rendered(subject="a", text="y", html="<p>y</p>", attachments=("two.pdf",))

    assert [(one.part, one.before, one.after) for one in changed_texts(before, after)] == [
        ("text", "x", "y"), ("attachments", "one.pdf", "two.pdf"),
    ]  # fmt: skip
    assert changed_texts(before, before) == ()
