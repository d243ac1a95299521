"""A browser that is told where to click, through its debugging pipe; no driver, no library.

A click is a click of the mouse in the middle of what a person would read: whatever covers it, or
leaves it out of sight, is found out.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from typing import Any, Final

import screenshots

PATIENCE: Final = 60.0
"""Seconds until what a test waits for is not coming."""

# The pipe is read at 3 and written at 4, whatever numbers it has here.
_START: Final = (
    "import os, sys; told, answers, *program = sys.argv[1:];"
    "os.dup2(int(told), 3); os.dup2(int(answers), 4); os.execv(program[0], program)"
)

# What a person would call it: the words on it, beside it, or in it.
_FIND: Final = """
(words) => {
  const named = (each) => [each.innerText, each.labels?.[0]?.innerText, each.ariaLabel]
    .some((name) => name?.trim().replace(/ [▾]$/, "") === words);
  const found = [...document.querySelectorAll("a, button, summary, input, select, label")]
    .filter((each) => each.checkVisibility() && named(each));
  // A label stands for its control, which is looked for first.
  const it = found.find((each) => each.matches("input, select")) ?? found[0];
  it?.scrollIntoView({ block: "center", behavior: "instant" });
  return it;
}
"""


class Browser:
    """One window; :func:`browsing` opens it."""

    def __init__(self, told: int, answers: int) -> None:
        self._told, self._answers = told, answers
        self._left = b""
        self._count = 0
        self._session = ""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        attached = self.ask("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        self.ask("Page.enable")

    def ask(self, method: str, **arguments: object) -> Any:  # Any: the protocol's own answers
        """Ask by a method of the DevTools protocol."""
        self._count += 1
        asked: dict[str, object] = {"id": self._count, "method": method, "params": arguments}
        if self._session:
            asked["sessionId"] = self._session
        os.write(self._told, json.dumps(asked).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._count:
                assert "result" in answer, answer
                return answer["result"]

    def run(self, script: str) -> Any:  # Any: a script's own answer
        """Run a script in the page, and return what it comes to."""
        done = self.ask("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in done, done
        return done["result"].get("value")

    def open(self, url: str) -> None:
        """Go to an address."""
        self.run("window.left = false")
        self.ask("Page.navigate", url=url)
        self.wait("window.left === undefined && document.readyState === 'complete'", url)

    def click(self, words: str) -> None:
        """Click on what says so, as soon as it can be seen."""
        box = (
            f"(() => {{ const it = ({_FIND})({json.dumps(words)}); if (!it) return null;"
            " const { x, y, width, height } = it.getBoundingClientRect();"
            " const [left, top] = [x + width / 2, y + height / 2];"
            " const on = document.elementFromPoint(left, top);"
            " return it.contains(on) || on?.contains(it) ? [left, top] : null; })()"
        )
        x, y = self.wait(box, words)
        for kind in ("mousePressed", "mouseReleased"):
            self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def follow(self, words: str) -> None:
        """Click on what leads to another page, and wait for that."""
        self.run("window.left = false")  # which no other page says
        self.click(words)
        self.wait("window.left === undefined && document.readyState === 'complete'", words)

    def fill(self, words: str, value: str) -> None:
        """Choose or type into what is called so."""
        self.wait(
            f"(() => {{ const it = ({_FIND})({json.dumps(words)}); if (!it) return false;"
            f" it.value = {json.dumps(value)};"
            " it.dispatchEvent(new Event('change', { bubbles: true })); return true; })()",
            words,
        )

    def wait(self, script: str, what: str = "") -> Any:  # Any: as run
        """Wait until a script comes to something."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            with contextlib.suppress(AssertionError):  # the page is being left
                found = self.run(script)
                if found:
                    return found
            time.sleep(0.05)
        text = self.run("document.body.innerText")
        raise AssertionError(f"waited in vain for {what or script}; the page says:\n{text}")

    def see(self, words: str) -> None:
        """Wait until the page says so."""
        self.wait(f"document.body?.innerText.includes({json.dumps(words)})", words)

    def picture(self) -> bytes:
        """Take a picture of what is seen, as PNG."""
        return base64.b64decode(self.ask("Page.captureScreenshot")["data"])

    def _next(self) -> Any:  # Any: as ask
        while b"\0" not in self._left:
            ready, _, _ = select.select([self._answers], [], [], PATIENCE)
            read = os.read(self._answers, 1 << 20) if ready else b""
            assert read, "the browser says nothing any more"
            self._left += read
        message, _, self._left = self._left.partition(b"\0")
        return json.loads(message)


@contextlib.contextmanager
def browsing(*, dark: bool = False, width: int = 1100, height: int = 900) -> Generator[Browser]:
    """Open a window of this size, in pixels.

    :param dark: whether the reader prefers it.
    """
    program = screenshots.browser()
    assert program is not None
    with contextlib.ExitStack() as opened:
        folder = opened.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
        pipes = [_above(end) for pipe in (os.pipe(), os.pipe()) for end in pipe]
        read, told, answers, write = pipes
        process = subprocess.Popen(
            [
                *(sys.executable, "-c", _START, f"{read}", f"{write}"),
                *screenshots.started(program, folder, dark=dark, width=width, height=height),
                "--remote-debugging-pipe",
            ],
            pass_fds=(read, write),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            os.close(read)
            os.close(write)
            yield Browser(told, answers)
        finally:
            os.close(told)  # which ends it
            os.close(answers)
            process.terminate()
            process.wait(PATIENCE)


def _above(end: int) -> int:
    """Give an end of a pipe a number that neither of the browser's two ends has."""
    moved = fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(end)
    return moved
