"""Values in Markdown, HTML, chats and subjects: they say what they are and change nothing around."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.templates import Text, TextKind
from rules.templates.fill import fill
from rules.templates.markup import for_chat, html_of, plain_of
from rules.templates.values import cleaned

PLACES = """\
# 您好 {{ customer.name }}

{{ customer.name }} 和 **{{ customer.name }}** 和 [这里](https://x.cn/?n={{ customer.name | url_encode }})

- {{ customer.name }}
- 第二

> {{ customer.name }}

| 甲 | 乙 |
|---|---|
| {{ customer.name }} | 2 |

1{{ customer.name }}
"""
PAGE = '<p title="{{ customer.name }}">Hi {{ customer.name }}</p><a href="https://x.cn/?{{ customer.name }}">x</a>'

#: What people with bad intent are called, and what breaks out of lines.
NASTY = st.one_of(
    st.text(max_size=40),
    st.lists(
        st.sampled_from(
            [
                "[x](http://evil)", "<script>", "</p>", "<b>", "&lt;", "&#60;", "`", "```", "**", "*",
                "_", "~~", "#", "# h", "- a", "1. a", "> q", "---", "===", "|", "\\", "\\[", "![i](u)",
                "<http://evil>", "javascript:alert(1)", '"', "'", "\n", "\n\n", "    code", "\t", "\r\n",
                "{{ customer.id }}", "{% raw %}", "[a]: http://evil", "王", " ", "=", "\u2028", "\x00",
            ]
        ),
        max_size=8,
    ).map("".join),
)  # fmt: skip


class Reader(HTMLParser):
    """Collects tags with their attributes' names, and the text."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.links: list[str] = []
        self.text = ""
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "br":
            self.tags.append((tag, tuple(name for name, _ in attrs)))
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]

    def handle_endtag(self, tag: str) -> None:
        if tag != "br":
            self.tags.append((f"/{tag}", ()))

    def handle_data(self, data: str) -> None:
        self.text += data


def text(body: str, kind: TextKind, subject: str = "") -> Text:
    return Text(file="a", kind=kind, body=body, subject=subject, names=("customer.name",))


def squished(value: str) -> str:
    return "".join(value.split())


@given(NASTY)
def test_a_value_is_never_markdown(value: str) -> None:
    """Whatever a customer is called: the paragraphs, links and tags are those of the text."""
    value = cleaned(value).strip() or "x"
    plain = Reader(
        fill(text("甲 {{ customer.name }} 乙\n", TextKind.MARKDOWN), {"customer.name": value}).html
    )

    assert plain.tags == [("p", ()), ("/p", ())]
    assert squished(plain.text) == squished(f"甲{value}乙")


@given(NASTY)
def test_a_value_keeps_the_shape_of_a_page_of_markdown(value: str) -> None:
    """In headings, lists, quotes, tables and links a value of one line changes no tag."""
    value = " ".join(cleaned(value).split()) or "x"
    with_value = Reader(fill(text(PLACES, TextKind.MARKDOWN), {"customer.name": value}).html)
    without = Reader(fill(text(PLACES, TextKind.MARKDOWN), {"customer.name": "x"}).html)

    assert with_value.tags == without.tags
    assert all(link.startswith("https://x.cn/?n=") for link in with_value.links)


@given(NASTY)
def test_a_value_is_never_html(value: str) -> None:
    """In HTML a value is text, in a quoted attribute as well."""
    value = cleaned(value).strip() or "x"
    with_value = Reader(fill(text(PAGE, TextKind.HTML), {"customer.name": value}).html)
    without = Reader(fill(text(PAGE, TextKind.HTML), {"customer.name": "x"}).html)

    assert with_value.tags == without.tags
    assert squished(with_value.text) == squished(f"Hi{value}x")


@given(NASTY)
def test_a_subject_is_one_line(value: str) -> None:
    """No value can end a header and begin another."""
    filled = fill(
        text("x", TextKind.PLAIN, "您好 {{ customer.name }}!"),
        {"customer.name": cleaned(value) or "x"},
    )

    assert filled.subject.splitlines() in ([filled.subject], [])


@given(NASTY)
def test_a_plain_text_says_values_as_they_are(value: str) -> None:
    """Where nothing is markup nothing is changed."""
    value = cleaned(value) or "x"

    assert (
        fill(text("<{{ customer.name }}>", TextKind.PLAIN), {"customer.name": value}).text
        == f"<{value}>"
    )


def test_a_chat_gets_values_that_are_no_markup() -> None:
    """Chats read links and tags in texts: the signs for them are made full-width in values only."""
    filled = fill(
        text("**{{ customer.name }}**", TextKind.MARKDOWN),
        {"customer.name": "[x](http://e) <@all> `a` *b*"}, html=False, chat=True,
    )  # fmt: skip

    assert filled.text == "**［x］(http://e) ＜@all＞ ｀a｀ ＊b＊**"
    assert filled.html == ""
    page = fill(
        text("<p>{{ customer.name }}</p>", TextKind.HTML), {"customer.name": "<at>"}, chat=True
    )
    assert page.text == "＜at＞\n"
    assert for_chat("王丽") == "王丽"


def test_markdown_of_the_text_itself() -> None:
    """A line end is a line end, tags in Markdown are text, tables work."""
    assert html_of("一\n二\n") == "<p>一<br />\n二</p>\n"
    assert "<b>" not in html_of("<b>x</b>\n")
    assert "<td>1</td>" in html_of("|a|\n|-|\n|1|\n")
    assert "href" not in html_of("[x](javascript:alert)")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("<p>一</p><p>二</p>", "一\n\n二\n"),
        ("一<br>二", "一\n二\n"),
        ("<ul><li>a</li><li>b</li></ul>", "- a\n- b\n"),
        ('<a href="https://x.cn">看</a>', "看 (https://x.cn)\n"),
        ('<a href="https://x.cn">https://x.cn</a>', "https://x.cn\n"),
        ("<style>p{}</style><title>t</title><p>a &amp;\n  b</p>", "a & b\n"),
        ("<table><tr><td>1</td><td>2</td></tr><tr><td>3</td></tr></table>", "1 2\n3\n"),
    ],
)
def test_html_as_plain_text(source: str, expected: str) -> None:
    """What a person reads of a page, for those whose mail shows no HTML."""
    assert plain_of(source) == expected
