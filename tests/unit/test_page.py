"""An explanation as a page."""

from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from engine.page import page

TEXT = """\
a-1  挽回 <b>: call for K003
  now: open & waiting

Playbook churn
     9 | trigger: {event: "x"}
Why it began
    - orders is 3, asked: below 2
"""


class _Words(HTMLParser):
    """Collects what a browser shows, and the tags."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1] != "style":
            self.words.append(data)


def _read(text: str) -> _Words:
    reader = _Words()
    reader.feed(text)
    return reader


def test_a_page_has_title_headings_yaml_and_what_failed() -> None:
    """The first line is the title, a line at the margin after a gap a heading, YAML stays in shape."""
    made = page(TEXT, foot="示例公司")

    assert "<h1>a-1  挽回 &lt;b&gt;: call for K003</h1>" in made
    assert "<h2>Playbook churn</h2>" in made
    assert '<p class="yaml">   9  trigger: {event: &quot;x&quot;}</p>' in made
    assert '<p class="no" style="padding-left: 1.8em">- orders is 3, asked: below 2</p>' in made
    assert made.endswith("<footer>示例公司</footer>\n</body>\n</html>\n")


@given(st.text(max_size=200))
def test_nothing_of_a_text_becomes_html(text: str) -> None:
    """Whatever customers are called, a page has its own tags only."""
    tags = set(_read(page(f"title\n\n{text}")).tags)

    assert tags <= {"html", "head", "meta", "title", "style", "body", "h1", "h2", "p"}
