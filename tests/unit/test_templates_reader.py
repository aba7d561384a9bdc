"""Files below templates/: heads, endings, files that render others, and what a revision knows of them."""

from __future__ import annotations

import pytest

from rules.templates import BRIEF, Text, TextKind
from rules.templates.reader import Reader, Source
from tests.projects import PLAYBOOK, SHARED, playbook, project, told


def read(first: str, **others: str) -> Source:
    """Return what the file a.md says; ``b_md`` is b.md."""
    files = {"templates/a.md": first.encode(), "files/p.pdf": b"%PDF"}
    files |= {f"templates/{name.replace('_', '.')}": text.encode() for name, text in others.items()}
    return Reader(load=files.get, names=lambda: ["a.md"]).read("a.md")


def sound(first: str, **others: str) -> Text:
    source = read(first, **others)
    assert source.text is not None, "\n".join(map(str, source.findings))
    return source.text


@pytest.mark.parametrize(
    ("source", "subject", "attachments", "body"),
    [
        ("您好\n", "", (), "您好\n"),
        ("Subject: 一\n\n您好\n", "一", (), "您好\n"),
        ("主题：一: 二\n您好\n", "一: 二", (), "您好\n"),
        ("\ufeffSubject: 一\r\n\r\n您好\r\n", "一", (), "您好\n"),
        ("subject: 一\nAttachments: files/p.pdf\n\n\n您好\n", "一", ("files/p.pdf",), "\n您好\n"),
        (
            "附件：[files/p.pdf， files/p.pdf]\n\n您好\n",
            "",
            ("files/p.pdf", "files/p.pdf"),
            "您好\n",
        ),
        (
            '---\nsubject: 您好 {{ customer.name | default: "x" }}\n\nattachments: files/p.pdf\n---\n正文\n',
            '您好 {{ customer.name | default: "x" }}',
            ("files/p.pdf",),
            "正文\n",
        ),
        ("您好：世界\nSubject: no head\n", "", (), "您好：世界\nSubject: no head\n"),
        ("一\n---\n二\n", "", (), "一\n---\n二\n"),
    ],
)
def test_heads(source: str, subject: str, attachments: tuple[str, ...], body: str) -> None:
    """Subject and attachments stand above the text, between two --- or not, in English or Chinese."""
    text = sound(source)

    assert (text.subject, text.attachments, text.body) == (subject, attachments, body)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.md", TextKind.MARKDOWN),
        ("A.MD", TextKind.MARKDOWN),
        ("a.html", TextKind.HTML),
        ("a.htm", TextKind.HTML),
        ("a.txt", TextKind.PLAIN),
        ("问候", TextKind.PLAIN),
    ],
)
def test_the_ending_says_how_a_text_is_written(name: str, kind: TextKind) -> None:
    """.md is Markdown, .html is HTML, all else is plain."""
    reader = Reader(load={f"templates/{name}": b"x"}.get, names=list)
    text = reader.read(name).text

    assert text is not None
    assert text.kind is kind


def test_files_are_put_in_with_what_they_use() -> None:
    """A text holds the files that it renders, and asks for their variables too."""
    text = sound(
        "{{ customer.id }}\n{%- render 'b.txt' -%}\n完\n",
        b_txt="-- {{ business }} {% render \"c.txt\" %}\n", c_txt="{% # 无 %}{{ today }}\n",
    )  # fmt: skip

    assert text.body == "{{ customer.id }}\n-- {{ business }} {% # 无 %}{{ today }}\n完\n"
    assert text.names == ("business", "customer.id", "today")


def test_what_stands_in_raw_and_comments_is_not_looked_at() -> None:
    """Neither variables nor files are taken from there."""
    text = sound(
        '{% raw %}{{ x }}{% render "no.md" %}{% endraw %}{% comment %}{% if %}{% endcomment %}'
    )

    assert text.names == ()


@pytest.mark.parametrize(
    "path", ["../care.yaml", "/etc/passwd", "a/../../x", ".env", "C:\\x", "", "a//b"]
)
def test_nothing_outside_the_folder_is_put_in_or_attached(path: str) -> None:
    """A text reaches no file but those below templates/, an attachment none outside of the project."""
    seen: list[str] = []

    def load(name: str) -> bytes | None:
        seen.append(name)
        return f'Attachments: {path}\n\n{{% render "{path}" %}}'.encode()

    source = Reader(load=load, names=list).read("a.md")

    assert source.text is None
    assert seen == ["templates/a.md"]


def test_texts_that_blow_up_are_refused() -> None:
    """Files that render each other twice, sixteen deep, are told instead of being built."""
    deep = {
        f"{letter}_md": f'{{% render "{after}.md" %}}{{% render "{after}.md" %}}\n'
        for letter, after in zip("bcdefghijklmnop", "cdefghijklmnopq", strict=True)
    }
    source = read('{% render "b.md" %}', **deep, q_md="一二三四五六七八九十\n")

    assert source.text is None
    assert {finding.code for finding in source.findings} == {"file-too-large"}


def test_the_texts_of_a_playbook_stand_in_it() -> None:
    """Every text that a step may take, and each brief with something to fill in."""
    steps = (
        "  - {step: call, do: call, assign: manager, template: [a.md, b.txt], brief: '{{ orders }}'}\n"
        "  - {step: two, do: call, assign: manager, brief: plain}\n"
    )
    found = playbook(
        PLAYBOOK.partition("steps:\n")[0] + "steps:\n" + steps,
        templates={"a.md": "甲", "b.txt": "乙"},
    )

    assert sorted(found.texts) == [BRIEF + "call", "a.md", "b.txt"]
    assert found.texts[BRIEF + "call"].names == ("orders",)


def revision(first: str, second: str = "-- us", shared: str = SHARED) -> str:
    text = PLAYBOOK.replace("do: call,", "do: call, template: a.md,")
    files = {"a.md": first, "b.md": second}
    return project(p=text, templates=files, shared=shared).playbooks[0].revision


def test_a_revision_follows_the_whole_text() -> None:
    """Its own words, those of files that it renders, and the measures that it shows."""
    text = '{{ orders_60d }} {% render "b.md" %}'
    first = revision(text)

    assert revision(text) == first
    assert revision(f"!{text}") != first
    assert revision(text, "-- them") != first
    assert revision(text, shared=SHARED.replace("last: 60 days}", "last: 61 days}", 1)) != first
    assert revision("x", shared=SHARED) == revision(
        "x", shared=SHARED.replace("last: 60 days}", "last: 61 days}", 1)
    )


def test_a_text_that_nobody_takes_is_told_once_all_playbooks_are_sound() -> None:
    """Also not one that another text renders; nothing is said while a playbook can't be read."""
    text = PLAYBOOK.replace("do: call,", "do: call, template: a.md,")
    files = {"a.md": '{% render "b.md" %}', "b.md": "x", "c.md": "x", ".hidden": "x"}

    assert told(p=text, templates=files) == [
        (
            "templates/c.md:1:1: warning[unused-template] no step takes this text; write"
            " `template: c.md` in a step, or delete the file"
        )
    ]
    assert not any("unused" in line for line in told(p=text, q="playbook: q\n", templates=files))


def test_two_playbooks_that_take_one_broken_text_are_both_left_out() -> None:
    """Its fault is told once."""
    text = PLAYBOOK.replace("do: call,", "do: call, template: a.md,")
    other = text.replace("playbook: p", "playbook: q")

    assert told(p=text, q=other, templates={"a.md": "{{ customer.nam }}"}) == [
        (
            'templates/a.md:1:4: error[unknown-variable] a customer has no attribute "nam"; did you mean'
            ' "name"?'
        )
    ]
