"""How a question is asked of ours and of others, told, and set beside what the last table says.

Contenders take turns, so that a busy machine slows all of them alike; the ratio is the median of
the rounds' ratios. Where these lie far apart, more rounds are asked.
"""

from __future__ import annotations

import gc
import re
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

CHANGED: Final = 0.20
"""A ratio that changed by more is marked."""
APART: Final = 0.10
"""Half of the rounds lie within this part of the median, or there are more rounds."""
ROUNDS: Final = 5
LONG: Final = 10.0
"""Seconds after which a question is not asked more often than it must be."""
HEAD: Final = "| question | peer | ours | theirs | ratio | apart | since the last table |"
RULE: Final = "| --- | --- | --: | --: | --: | --: | --- |"

Ask = Callable[[], float]


class Comparison(NamedTuple):
    """A question and who is asked.

    :ivar question: with its size, as its ratio depends on it.
    :ivar contenders: by name, ours first; each answers once, and tells how many seconds that took,
        divided by how many orders, calls or the like it was.
    :ivar rounds: that are asked at least.
    :ivar most: rounds; three times as many as at least, unless said otherwise.
    """

    question: str
    contenders: Mapping[str, Ask]
    rounds: int = ROUNDS
    most: int | None = None


class Ratio(NamedTuple):
    """Ours beside a peer.

    :ivar ours: seconds, the median.
    :ivar theirs: seconds, the median.
    :ivar ratio: of our time to theirs: below 1, ours is faster.
    :ivar apart: how far the middle half of the rounds lie apart, as part of the ratio.
    """

    question: str
    peer: str
    ours: float
    theirs: float
    ratio: float
    apart: float


Last = Mapping[tuple[str, str], float]
"""The ratios of a table, by question and peer."""


def timed(
    question: Callable[[], object], count: int = 1, clock: Callable[[], float] = time.process_time
) -> float:
    """Ask once, and tell the seconds, divided by a count."""
    gc.collect()
    start = clock()
    question()
    return (clock() - start) / count


def measured(comparison: Comparison) -> list[Ratio]:
    """Ask in turn, until the rounds agree or there were enough; one ratio for each peer."""
    took: dict[str, list[float]] = {name: [] for name in comparison.contenders}
    most = 3 * comparison.rounds if comparison.most is None else comparison.most
    found: list[Ratio] = []
    began = time.monotonic()
    gc.collect()
    gc.freeze()  # what was made before is nobody's garbage
    for number in range(1, most + 1):
        for name, ask in comparison.contenders.items():
            took[name].append(ask())
        if number >= comparison.rounds:
            found = _ratios(comparison.question, took)
            if all(each.apart <= APART for each in found) or time.monotonic() > began + LONG:
                break
    gc.unfreeze()
    return found


def _ratios(question: str, took: Mapping[str, Sequence[float]]) -> list[Ratio]:
    (_, ours), *peers = took.items()
    found: list[Ratio] = []
    for peer, theirs in peers:
        rounds = sorted(us / them for us, them in zip(ours, theirs, strict=True))
        quarter = len(rounds) // 4
        middle = statistics.median(rounds)
        apart = (rounds[-1 - quarter] - rounds[quarter]) / middle
        medians = statistics.median(ours), statistics.median(theirs)
        found.append(Ratio(question, peer, *medians, middle, apart))
    return found


def told(comparisons: Iterable[Comparison]) -> list[Ratio]:
    """Measure, and print each question as soon as it is answered."""
    found: list[Ratio] = []
    for comparison in comparisons:
        some = measured(comparison)
        ours = next(iter(comparison.contenders))
        print(f"\n{comparison.question}\n  {seconds(some[0].ours):>8}  {ours}")
        for each in some:
            print(
                f"  {seconds(each.theirs):>8}  {each.peer}: ours takes {each.ratio:.3g} of that"
                f" (apart {each.apart:.0%})"
            )
        found += some
    return found


def seconds(taken: float) -> str:
    """In a unit that leaves three digits."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if taken >= size:
            return f"{taken / size:.3g} {unit}"
    return f"{taken * 1e6:.3g} µs"


def change(before: float | None, now: float) -> str:
    """Tell in words how a ratio changed; nothing, where it did so by no more than ``CHANGED``."""
    if before is None:
        return "new"
    changed = now / before - 1
    if abs(changed) <= CHANGED:
        return ""
    return f"{changed:+.0%}: {'slower' if changed > 0 else 'faster'}, was {before:.3g}"


def gone(last: Last, now: Sequence[Ratio]) -> list[tuple[str, str]]:
    """What the last table has, and is not measured any more."""
    here = {(each.question, each.peer) for each in now}
    return [each for each in last if each not in here]


def table(found: Sequence[Ratio], last: Last) -> str:
    """Write the ratios as Markdown, each with its change."""
    lines = [HEAD, RULE]
    for each in found:
        cells = (
            *(each.question, each.peer, seconds(each.ours), seconds(each.theirs)),
            *(f"{each.ratio:.3g}", f"{each.apart:.0%}"),
            change(last.get((each.question, each.peer)), each.ratio),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def read(written: str) -> Last:
    """The ratios of a table that was written."""
    return dict(_read(written))


def _read(written: str) -> Iterator[tuple[tuple[str, str], float]]:
    _, _, rows = written.partition(RULE)
    for line in re.findall(r"^\| (.+) \|$", rows, re.MULTILINE):
        question, peer, _, _, ratio, *_ = line.split(" | ")
        yield (question, peer), float(ratio)
