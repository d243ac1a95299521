"""How fast attribution is, beside what a shop would otherwise put together.

Run it with the package installed (``referer-parser`` from PyPI is optional)::

    python tests/bench/attribution.py

The contenders take turns at short runs of the same touches, in processor time. No touch is given to
a contender twice: what a table remembers helps only where the traffic itself repeats. Visits in a
frame are attributed over Arrow and by a loop, which both count them by source.
"""

from __future__ import annotations

import importlib
import random
import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qs, parse_qsl, urlsplit

from _ratios import Ask, Comparison, timed, told
from shoppego_orders import scale
from shoppego_orders.attribution import Touch, default_table
from shoppego_orders.scale.extra import pa

AT = datetime(2026, 3, 14, 12, tzinfo=UTC)
TOUCHES = 60_000  # more than a table remembers
RUN = 500

OURS = "ours"
REFERRERS = [
    "https://www.google.com/",
    "https://www.google.com.my/search?q=baju+kurung&hl=ms",
    "https://l.facebook.com/l.php?u=https%3A%2F%2Fkedai.example%2F&h=AT0",
    "https://l.instagram.com/",
    "https://www.tiktok.com/@kedai/video/7300000000000000000",
    "https://web.telegram.org/",
    "https://www.youtube.com/watch?v=dQw4w9WgXcQ",
    "android-app://com.google.android.googlequicksearchbox/",
    "https://blog.kawan.example/2026/03/ulasan",
    "https://www.bing.com/search?q=tudung+bawal&form=QBLH",
]
SOURCES = ["google", "facebook", "TikTok", "telegram", "youtube", "ig", "newsletter", "kol-aina"]
MEDIA = ["cpc", "social", "paid_social", "email", "referral", "organic"]


class Traffic(NamedTuple):
    """A kind of visits.

    :ivar campaigns: that the visits come from; 0 for another one each.
    :ivar with_click_id: each visit has one of its own.
    """

    campaigns: int
    with_click_id: bool


TRAFFIC: Final[dict[str, Traffic]] = {
    "distinct URLs": Traffic(0, with_click_id=False),
    "distinct URLs with click ids": Traffic(0, with_click_id=True),
    "repeated (Zipf)": Traffic(500, with_click_id=False),
    "repeated (Zipf) with unique click ids": Traffic(500, with_click_id=True),
}


def touches(traffic: Traffic, count: int) -> Iterator[Touch]:
    """Landing URLs with six UTM parameters, and realistic referrers; always the same."""
    rng = random.Random(20260314)
    campaigns, with_click_id = traffic
    for number in range(count):
        # Zipf: the second campaign has half of the first one's clicks, and so on.
        campaign = number if not campaigns else min(int(rng.paretovariate(1)), campaigns)
        pick = random.Random(campaign)
        unique = f"&gclid=Cj0KCQ{rng.getrandbits(128):032x}" if with_click_id else ""
        url = (
            f"https://hartamas.myshoppegram.com/produk/{pick.randrange(1000)}"
            f"?utm_source={pick.choice(SOURCES)}&utm_medium={pick.choice(MEDIA)}"
            f"&utm_campaign=jualan+raya+{campaign}&utm_term=baju%20kurung"
            f"&utm_content=iklan_{campaign}&utm_id={campaign}{unique}"
        )
        yield Touch(url, pick.choice(REFERRERS), AT)


def frame_of(visits: Iterable[Touch]) -> Any:
    """Visits as the columns of a frame."""
    pairs = [(each.landing_url, each.referrer) for each in visits]
    urls, referrers = zip(*pairs, strict=True)
    return pa.table({"landing_url": urls, "referrer": referrers})


def counted(columns: Iterable[Any]) -> dict[str, int]:
    """How many visits came from each source, by a plain loop over batches of two columns."""
    # Nothing is remembered of the loop before.
    table = default_table().remembering(default_table().remembered)
    found: Counter[str] = Counter()
    for batch in columns:
        urls, referrers = (column.to_pylist() for column in batch.columns)
        for url, referrer in zip(urls, referrers, strict=True):
            found[table.classify(Touch(url, referrer, AT)).source] += 1
    return dict(found)


def counted_in_arrow(frame: Any) -> dict[str, int]:
    """The same, over Arrow."""
    sources = scale.attribute(frame, default_table()).read_all()["source"].value_counts()
    return {each["values"]: each["counts"] for each in sources.to_pylist()}


def split_only(touch: Touch) -> object:
    return parse_qsl(urlsplit(touch.landing_url).query)


def referer_parser() -> Callable[[Touch], object] | None:
    try:
        parser: Any = importlib.import_module("referer_parser")  # untyped, and optional
    except ImportError:
        return None

    def whole(touch: Touch) -> object:
        tags = parse_qs(urlsplit(touch.landing_url).query)
        found = parser.Referer(touch.referrer, touch.landing_url)
        return tags, found.medium, found.referer, found.search_term

    return whole


def asking(contender: Callable[[Touch], object], sample: Sequence[Touch]) -> Ask:
    """Each time the next touches."""
    runs = iter([sample[first : first + RUN] for first in range(0, len(sample), RUN)])

    def ask() -> float:
        run = next(runs)
        return timed(lambda: [contender(touch) for touch in run], len(run))

    return ask


def loading() -> float:
    """Milliseconds of processor time that the first use of the shipped table takes.

    The median of fresh processes that have imported the package.
    """
    code = (
        "import time; from shoppego_orders.attribution import default_table;"
        "start = time.process_time(); default_table(); print(time.process_time() - start)"
    )
    command = [sys.executable, "-c", code]
    runs = [subprocess.run(command, capture_output=True, check=True, text=True) for _ in range(21)]
    return statistics.median(float(run.stdout) for run in runs) * 1e3


def comparisons(_folder: Path, _orders: int) -> Iterator[Comparison]:
    table = default_table()
    contenders: dict[str, Callable[[Touch], object]] = {
        OURS: table.classify,
        "ours, remembering nothing": table.remembering(0).classify,
        "urlsplit + parse_qsl": split_only,
    }
    parser = referer_parser()
    if parser is None:
        print("referer-parser is not installed", file=sys.stderr)
    else:
        contenders["referer-parser + urlsplit + parse_qs"] = parser
    rounds = TOUCHES // RUN
    for name, traffic in TRAFFIC.items():
        sample = [*touches(traffic, TOUCHES)]
        # An empty memory for each kind of traffic.
        contenders[OURS] = table.remembering(table.remembered).classify
        asked = {who: asking(contender, sample) for who, contender in contenders.items()}
        yield Comparison(f"a touch to its source, {name}", asked, rounds, rounds)
    for name, traffic in TRAFFIC.items():
        frame = frame_of(touches(traffic, TOUCHES))
        assert counted_in_arrow(frame) == counted(frame.to_batches())
        counting: dict[str, Ask] = {
            "scale.attribute": partial(timed, partial(counted_in_arrow, frame), TOUCHES),
            "a loop over its texts": partial(timed, partial(counted, frame.to_batches()), TOUCHES),
        }
        yield Comparison(f"the visits of a frame to their sources, {name}", counting)


if __name__ == "__main__":
    print(f"loading the shipped table: {loading():.1f} ms")
    told(comparisons(Path(), 0))
