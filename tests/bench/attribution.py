"""How fast attribution is, beside what a shop would otherwise put together.

Run it with the package installed (``referer-parser`` from PyPI is optional)::

    python tests/bench/attribution.py

The contenders take turns at short runs of the same touches, in processor time. No touch is given to
a contender twice: what a table remembers helps only where the traffic itself repeats.
"""

from __future__ import annotations

import importlib
import random
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

from _ratios import Ask, Comparison, timed, told
from shoppego_orders.attribution import Touch, default_table

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


def touches(rng: random.Random, *, campaigns: int, with_click_id: bool) -> list[Touch]:
    """Landing URLs with six UTM parameters, and realistic referrers."""
    made: list[Touch] = []
    for number in range(TOUCHES):
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
        made.append(Touch(url, pick.choice(REFERRERS), AT))
    return made


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
    rng = random.Random(20260314)
    traffic = {
        "distinct URLs": touches(rng, campaigns=0, with_click_id=False),
        "distinct URLs with click ids": touches(rng, campaigns=0, with_click_id=True),
        "repeated (Zipf)": touches(rng, campaigns=500, with_click_id=False),
        "repeated (Zipf) with unique click ids": touches(rng, campaigns=500, with_click_id=True),
    }
    rounds = TOUCHES // RUN
    for name, sample in traffic.items():
        # An empty memory for each kind of traffic.
        contenders[OURS] = table.remembering(table.remembered).classify
        asked = {who: asking(contender, sample) for who, contender in contenders.items()}
        yield Comparison(f"a touch to its source, {name}", asked, rounds, rounds)


if __name__ == "__main__":
    print(f"loading the shipped table: {loading():.1f} ms")
    told(comparisons(Path(), 0))
