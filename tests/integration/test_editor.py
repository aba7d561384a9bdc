"""An editor with our schemas: the real yaml-language-server completes, explains and finds mistakes.

It is taken from the PATH or installed with npm into a folder of its own; where neither is possible
the tests are skipped.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import pytest

from engine.editor import set_up
from rules.project import check
from rules.schema import write_schemas
from tests.projects import CARE

pytestmark = pytest.mark.long

VERSION = "1.19.2"
WAIT = 60.0  #: seconds for an answer of the server

PLAYBOOK = """\
playbook: p
title: 流失
owner: 客服
status: active
trigger: {event: order}
steps:
  - step: ring
    do: call
    due: within 3 days
    assign: manager
"""
#: What is broken, where (line from 0), and a word of what the server has to say.
BROKEN = {
    "an unknown key": (PLAYBOOK.replace("status:", "statu:"), 3, "statu"),
    "a word that is none": (PLAYBOOK.replace("active", "activ"), 3, "active"),
    "a missing key": (PLAYBOOK.replace("trigger: {event: order}\n", ""), 0, "trigger"),
    "a mapping where a list belongs": (PLAYBOOK.replace("  - step: ring\n    do", "  step: ring\n  do").replace("    due", "  due").replace("    assign", "  assign"), 6, "array"),
    "a key of another kind of step": (PLAYBOOK.replace("    assign: manager\n", "    up_to: 3 days\n"), 9, "up_to"),
}  # fmt: skip


class Server:
    """A language server on pipes, asked one thing after the other."""

    def __init__(self, command: list[str], root: Path) -> None:
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self.root = root
        self.number = 0
        self.came: Queue[dict[str, Any]] = Queue()
        self.settings = json.loads((root / ".vscode" / "settings.json").read_text("utf-8"))
        threading.Thread(target=self._listen, daemon=True).start()
        self.ask("initialize", {
            "processId": None, "rootUri": root.as_uri(),
            "workspaceFolders": [{"uri": root.as_uri(), "name": "p"}],
            "capabilities": {
                "workspace": {"configuration": True},
                "textDocument": {"completion": {"completionItem": {"documentationFormat": ["markdown"]}}},
            },
        })  # fmt: skip
        self.tell("initialized", {})

    def _listen(self) -> None:
        assert self.process.stdout is not None
        while line := self.process.stdout.readline():
            size = 0
            while line.strip():
                name, _, value = line.decode().partition(":")
                size = int(value) if name.lower() == "content-length" else size
                line = self.process.stdout.readline()
            self.came.put(json.loads(self.process.stdout.read(size)))

    def _write(self, message: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        data = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(data), data))
        self.process.stdin.flush()

    def tell(self, method: str, params: object) -> None:
        self._write({"method": method, "params": params})

    def ask(self, method: str, params: object) -> Any:
        self.number += 1
        number = self.number
        self._write({"id": number, "method": method, "params": params})
        return self.wait(lambda came: came.get("id") == number and "method" not in came)["result"]

    def wait(self, wanted: Any) -> dict[str, Any]:
        """Return the first message that is wanted; the server's own questions are answered."""
        while True:
            try:
                came = self.came.get(timeout=WAIT)
            except Empty:
                pytest.fail("the language server says nothing")
            if "id" in came and "method" in came:
                self._write({"id": came["id"], "result": self._answer(came)})
            if wanted(came):
                return came

    def _answer(self, came: dict[str, Any]) -> Any:
        if came["method"] != "workspace/configuration":
            return None
        schemas = {
            str(self.root / path): file for path, file in self.settings["yaml.schemas"].items()
        }
        yaml = {
            "schemas": schemas, "validate": True, "hover": True, "completion": True,
            "schemaStore": {"enable": False},
        }  # fmt: skip
        return [{"yaml": yaml}.get(item.get("section"), {}) for item in came["params"]["items"]]

    def open(self, name: str, text: str) -> list[dict[str, Any]]:
        """Open a file and return what is wrong with it."""
        path = self.root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        uri = path.as_uri()
        self.tell("textDocument/didOpen", {
            "textDocument": {"uri": uri, "languageId": "yaml", "version": 1, "text": text},
        })  # fmt: skip
        found = self.wait(
            lambda came: (
                came.get("method") == "textDocument/publishDiagnostics"
                and came["params"]["uri"] == uri
            )
        )
        return list(found["params"]["diagnostics"])

    def at(self, method: str, name: str, line: int, character: int) -> Any:
        """Ask about a place of an open file."""
        place = {"line": line, "character": character}
        uri = (self.root / name).as_uri()
        return self.ask(method, {"textDocument": {"uri": uri}, "position": place})

    def close(self) -> None:
        self.ask("shutdown", None)
        self.tell("exit", None)
        self.process.communicate(timeout=WAIT)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command of the server, installed if it can be."""
    known = shutil.which("yaml-language-server")
    if known:
        return [known, "--stdio"]
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("neither yaml-language-server nor npm is here: editors are not tested")
    folder = tmp_path_factory.mktemp("npm")
    words = [npm, "install", "--no-audit", "--no-fund", f"yaml-language-server@{VERSION}"]
    try:
        done = subprocess.run(words, cwd=folder, capture_output=True, timeout=240, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip("npm install took too long: editors are not tested")
    if done.returncode:
        pytest.skip(f"npm can't install yaml-language-server: {done.stderr.decode()[-300:]}")
    return [str(folder / "node_modules" / ".bin" / "yaml-language-server"), "--stdio"]


@pytest.fixture(scope="module")
def server(program: list[str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server in a project that `care schema --write` has set up."""
    root = tmp_path_factory.mktemp("editor")
    (root / "care.yaml").write_text(CARE, encoding="utf-8")
    set_up(root)
    server = Server(program, root)
    yield server
    server.close()


def test_a_sound_file_has_no_mistakes(server: Server) -> None:
    """A playbook that care takes has nothing wrong to an editor either, by modeline or settings."""
    modeline = "# yaml-language-server: $schema=../.schemas/playbook.schema.json\n"

    assert server.open("playbooks/sound.yaml", PLAYBOOK) == []
    assert server.open("elsewhere/sound.yaml", modeline + PLAYBOOK) == []
    assert server.open("care.yaml", CARE) == []
    assert check(server.root)[0] is not None


@pytest.mark.parametrize("how", BROKEN)
def test_mistakes_are_found(server: Server, how: str) -> None:
    """What is broken in a file is told at its line while one types."""
    text, line, word = BROKEN[how]

    found = server.open(f"playbooks/{how.replace(' ', '-')}.yaml", text)

    told = [(each["range"]["start"]["line"], each["message"]) for each in found]
    assert [message for at, message in told if at == line and word in message], told


def labels(answer: Any) -> set[str]:
    items = answer["items"] if isinstance(answer, dict) else answer
    return {item["label"] for item in items}


def test_keys_and_words_are_completed(server: Server) -> None:
    """Keys of the file, keys of a step of its kind, and closed words are offered."""
    server.open("playbooks/keys.yaml", f"{PLAYBOOK}    \nex\n")
    server.open("playbooks/words.yaml", PLAYBOOK.replace("active", ""))

    keys = labels(server.at("textDocument/completion", "playbooks/keys.yaml", 11, 2))
    step = labels(server.at("textDocument/completion", "playbooks/keys.yaml", 10, 4))
    words = labels(server.at("textDocument/completion", "playbooks/words.yaml", 3, 8))

    assert keys >= {"except", "existing", "holdout", "stop_when"}
    assert step >= {"outcomes", "retry", "if_overdue", "template"}
    assert words >= {"active", "paused", "draft"}


def test_keys_are_explained(server: Server) -> None:
    """Hovering over a key shows what it means, in the words of `care schema`."""
    server.open("playbooks/hover.yaml", PLAYBOOK)

    due = server.at("textDocument/hover", "playbooks/hover.yaml", 8, 6)
    status = server.at("textDocument/hover", "playbooks/hover.yaml", 3, 2)

    told = [each["contents"]["value"].replace("\\", "") for each in (due, status)]
    assert "When: now, same day, within D, after D, between A and B." in told[0]
    assert "within 3 working days" in told[0]
    assert "starts and continues journeys" in told[1]


def test_schemas_are_those_of_the_program(server: Server, tmp_path: Path) -> None:
    """The project's schemas are the program's own, byte for byte."""
    own = {path.name: path.read_bytes() for path in write_schemas(tmp_path)}

    assert {p.name: p.read_bytes() for p in (server.root / ".schemas").iterdir()} == own
