"""Where a visit came from: one, or a line of standard input each."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import cast

import attrs
import click

from shoppego_orders.attribution import Attribution, Touch, default_table
from shoppego_orders.cli.root import db_option, json_option
from shoppego_orders.cli.screen import counted, say, say_json
from shoppego_orders.errors import InvalidDocument
from shoppego_orders.importing import open_lines


@click.command()
@click.argument("url")
@click.option("--referrer", metavar="URL", help="The page that the visitor came from.")
@json_option
@db_option
def attribute(*, url: str, referrer: str | None, as_json: bool) -> None:
    """Say where a visit came from. URL is the page that it landed on.

    With - as URL, each line of standard input is a visit, {"landing_url": …, "referrer": …}, and
    each is answered by one line of JSON; a bad line by {"error": …, "line": NUMBER}, and exit code
    1 at the end. Blank lines are passed over.
    """
    at = datetime.now(UTC)
    if url == "-":
        _answer_lines(at)
        return
    answer = default_table().classify(Touch(url, referrer, at))
    if as_json:
        say_json(_answer(answer))
        return
    for label, value in (
        ("Source", answer.source),
        ("Logo", answer.logo),
        ("Channel", answer.channel),
        ("Medium", answer.medium),
        ("Campaign", answer.campaign),
        ("Term", answer.term),
        ("Content", answer.content),
        ("Why", answer.reason),
    ):
        if value:
            say(f"{label:<10} {value}")


def _answer_lines(at: datetime) -> None:
    table = default_table()
    read = bad = 0
    with open_lines("-") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            read += 1
            try:
                landing_url, referrer = _visit(line)
                answer = _answer(table.classify(Touch(landing_url, referrer, at)))
            except InvalidDocument as error:
                bad += 1
                answer = {"error": str(error), "line": number}
            say_json(answer)
    if bad:
        raise click.ClickException(f"{bad} of {counted(read, 'line')} could not be read")


def _visit(line: bytes) -> tuple[str, str | None]:
    try:
        visit: object = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InvalidDocument("", f"no JSON: {error}") from None
    if not isinstance(visit, dict):
        raise InvalidDocument("", 'expected an object such as {"landing_url": "https://…"}')
    fields = cast("dict[str, object]", visit)
    texts = fields.get("landing_url"), fields.get("referrer")
    for field, text in zip(("landing_url", "referrer"), texts, strict=True):
        if not isinstance(text, str | None):
            raise InvalidDocument(field, f"{text!r}; expected a text, or null")
    return cast("tuple[str, str | None]", (texts[0] or "", texts[1]))


def _answer(answer: Attribution) -> dict[str, object]:
    return {**attrs.asdict(answer), "reason": answer.reason}
