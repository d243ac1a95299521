"""The tutorial is followed to the letter: its files are saved, its commands typed, one by one."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path
from typing import NamedTuple

import pytest

from mail_servers import Inbox, serving

PAGE = Path(__file__).parent.parent / "docs" / "tutorial.md"
SERVER = "localhost:8025"


class Step(NamedTuple):
    """A block of the page, and what stands around it.

    :ivar name: of the file that the text above tells to save it as; "" for none.
    """

    language: str
    text: str
    name: str


def steps(page: str) -> Iterator[Step]:
    for block in re.finditer(r"([^\n]*)\n\n```(\w+)\n(.*?)^```$", page, re.DOTALL | re.MULTILINE):
        saved_as = re.search(r"as `([\w.]+)`:$", block[1])
        yield Step(block[2], block[3], saved_as[1] if saved_as else "")


def test_whoever_follows_the_tutorial_gets_what_it_shows(tmp_path: Path) -> None:
    if not Path(sys.prefix, "bin", "shoppego-orders").exists():
        pytest.skip("needs the command in the environment that runs the tests")
    install, *rest = steps(PAGE.read_text(encoding="utf-8"))
    assert "pip install" in install.text
    # What it installs is what runs the tests.
    (tmp_path / ".venv").symlink_to(sys.prefix, target_is_directory=True)
    environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "COLUMNS": "80"}
    inbox = Inbox()
    typed = 0
    with serving(inbox) as port:
        answer: str | None = None
        for step in rest:
            if step.name:
                (tmp_path / step.name).write_text(step.text, encoding="utf-8")
            elif step.language == "sh":
                assert answer is None, "an answer that the page does not show"
                done = subprocess.run(
                    ["bash", "-c", step.text.replace(SERVER, f"127.0.0.1:{port}")],
                    cwd=tmp_path,
                    env=environment,
                    capture_output=True,
                    encoding="utf-8",
                    check=False,
                    timeout=120,
                )
                assert done.returncode == 0, done.stderr
                assert done.stderr == ""
                shown = done.stdout.replace(f"127.0.0.1:{port}", SERVER)
                answer = re.sub(r" +$", "", shown, flags=re.MULTILINE)
                typed += 1
            else:
                assert step.language == "text"
                assert answer == step.text
                answer = None
    assert answer is None
    assert typed == 9
    (envelope,) = inbox.envelopes
    assert envelope.rcpt_tos == ["owner@hartamas.example"]
    assert isinstance(envelope.content, bytes)
    message = message_from_bytes(envelope.content, policy=policy.default)
    (attached,) = message.iter_attachments()
    assert attached.get_payload(decode=True) == (tmp_path / "march.csv").read_bytes()


def test_each_file_and_command_of_the_tutorial_is_found() -> None:
    found = list(steps(PAGE.read_text(encoding="utf-8")))
    assert [step.name for step in found if step.name] == ["place.py", "pack.py", "checkouts.jsonl"]
    assert len(found) == len(
        re.findall(r"^```\w+$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    )
