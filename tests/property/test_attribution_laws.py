"""Laws of attribution: whatever the texts, an answer; and nothing but what decides changes it."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import attrs
from hypothesis import given
from hypothesis import strategies as st

from shoppego_orders.attribution import (
    CHANNELS,
    Attribution,
    AttributionTable,
    Source,
    Touch,
    default_table,
)
from shoppego_orders.attribution.address import canonical_host, read_address
from shoppego_orders.attribution.text import clean, fold, slug

AT = datetime(2026, 3, 14, 12, tzinfo=UTC)
TABLE = default_table()
FORGETFUL = TABLE.remembering(0)
CORPUS = Path(__file__).parent.parent / "data" / "attribution-corpus.json"
REAL_LINKS = [
    link[:2000]
    for case in json.loads(CORPUS.read_text(encoding="utf-8"))
    for link in (case["landing_url"], case["referrer"])
    if link
]
HOSTS = sorted({host for row in TABLE.rows for host in row.hosts if "/" not in host})

# Every code point, lone surrogates included.
any_text = st.text(st.characters(), max_size=300)
signs = st.sampled_from(
    [
        *("?", "&", "=", ";", "#", "%", "+", "/", "//", "://", "@", ":", "[", "]", "\\", ".", " "),
        *(
            "&amp;",
            "??",
            "%20",
            "%zz",
            "%ff",
            "%2B",
            "\x00",
            "\r\n",
            "\t",
            "\ud800",
            "ß",
            "。",
            "℀",
        ),
        *("utm_source", "UTM_Medium", "utm_campaign", "utm_id", "gclid", "fbclid", "gad_source"),
        *("http", "https://", "android-app://", "javascript:", "www.", "google.com", "t.me", "1"),
        *("tiktok", "cpc", "shop", "video", "cross-network", "paid", "x" * 300, "é", "İ", "\u202e"),
    ]
)
url_like = st.lists(signs, max_size=40).map("".join)
texts = st.one_of(any_text, url_like)
touches = st.builds(Touch, landing_url=texts, referrer=st.none() | texts, at=st.just(AT))
values = st.text(st.characters(categories=["L", "N"], max_codepoint=0x17F), min_size=1, max_size=12)
names = st.sampled_from(["utm_source", "utm_medium", "utm_campaign", "utm_term", "gclid", "fbclid"])
labels = st.from_regex(r"[a-z][a-z0-9]{0,5}", fullmatch=True)
hosts = st.sampled_from(HOSTS)


def classify(landing: str, referrer: str | None = None) -> Attribution:
    return TABLE.classify(Touch(landing, referrer, AT))


@given(touches)
def test_every_touch_has_an_answer_that_can_be_written(touch: Touch) -> None:
    answer = TABLE.classify(touch)
    json.dumps(attrs.asdict(answer)).encode("utf-8")
    for text in (answer.source, answer.name, answer.logo, answer.reason, *answer.flags):
        assert text
        text.encode("utf-8")
    assert answer.channel in CHANNELS


@given(touches)
def test_the_same_touch_has_the_same_answer(touch: Touch) -> None:
    assert TABLE.classify(touch) == AttributionTable(TABLE.rows).classify(touch)


@given(touches)
def test_an_answer_is_bounded(touch: Touch) -> None:
    answer = TABLE.classify(touch)
    fields = attrs.asdict(answer, recurse=False)
    for name, text in fields.items():
        if isinstance(text, str):
            assert len(text) <= 256, name
    assert all(len(click.value) <= 256 for click in answer.click_ids)
    assert len(answer.flags) <= 100


@given(touches)
def test_kept_texts_hold_no_control_characters(touch: Touch) -> None:
    answer = TABLE.classify(touch)
    for text in attrs.astuple(answer, recurse=False):
        if isinstance(text, str):
            assert clean(text) == text


@given(touches)
def test_an_anonymised_touch_is_its_own_anonymised_touch(touch: Touch) -> None:
    once = touch.anonymised()
    assert once.anonymised() == once
    answer = TABLE.classify(once)
    assert answer.click_ids == ()
    assert answer.search_term is None


@given(touches)
def test_anonymising_keeps_the_tags(touch: Touch) -> None:
    before, after = TABLE.classify(touch), TABLE.classify(touch.anonymised())
    if len(touch.landing_url) <= 1000:
        tags = ("utm_source", "medium", "campaign", "id", "term", "content", "source_platform")
        assert [getattr(after, tag) for tag in tags] == [getattr(before, tag) for tag in tags]


@given(any_text)
def test_cleaning_and_folding_twice_changes_nothing(text: str) -> None:
    assert clean(clean(text)) == clean(text)
    assert slug(slug(text)) == slug(text)


@given(st.text(st.characters(max_codepoint=0x24F), max_size=40))
def test_case_and_separators_do_not_count(text: str) -> None:
    assert fold(text.replace(" ", "_")) == fold(text.replace(" ", "-")) == fold(text)
    assert fold(fold(text)) == fold(text)
    assert fold(f"/-{text}_/") == fold(text)


@given(hosts, labels, st.integers(1, 65535), st.sampled_from(["", "user@", "user:pass@"]))
def test_case_port_user_and_trailing_dot_do_not_count(
    host: str, path: str, port: int, user: str
) -> None:
    plain = classify("https://kedai.example/", f"https://{host}/{path}")
    written = classify(
        "https://kedai.example/", f"HTTPS://{user}{host.upper()}.:{port}/{path}?a=b#c"
    )
    assert attrs.evolve(written, search_term=None) == attrs.evolve(plain, search_term=None)


@given(hosts, labels)
def test_a_host_covers_its_subdomains_and_no_other_host(host: str, label: str) -> None:
    own = classify("", f"https://{host}/")
    assert own.source != "referral"
    below = classify("", f"https://{label}q.{host}/")
    assert below.source == own.source
    beside = classify("", f"https://{label}{host}/")
    # Unless the longer name is a row's own (mail.ru and gmail.ru would be two).
    assert beside.source == (TABLE_WITHOUT_LABELS.get(f"{label}{host}") or _covered(label + host))
    above = classify("", f"https://{host}.{label}.example/")
    assert above.source == "referral"


TABLE_WITHOUT_LABELS = {host: row.key for row in TABLE.rows for host in row.hosts}


def _covered(host: str) -> str:
    """The row of the longest listed host that this host ends in, label by label."""
    parts = host.split(".")
    for start in range(len(parts)):
        found = TABLE_WITHOUT_LABELS.get(".".join(parts[start:]))
        if found is not None:
            return found
    return "referral"


@given(touches, st.integers(0, 400))
def test_an_unrelated_row_changes_no_answer(touch: Touch, where: int) -> None:
    row = Source(
        "unrelated-row", "Unrelated", "Email", "x", "unrelatedrowtag", "unrelated-row.example"
    )
    rows = [*TABLE.rows[:where], row, *TABLE.rows[where:]]
    assert AttributionTable(rows).classify(touch) == TABLE.classify(touch)


@given(st.lists(st.tuples(names, values), unique_by=lambda pair: pair[0]))
def test_the_order_and_case_of_parameters_do_not_count(
    pairs: list[tuple[str, str]],
) -> None:
    written = [f"{name}={value}" for name, value in pairs]
    plain = classify("https://kedai.example/?" + "&".join(written))
    other = [f"{name.upper()}={value}" for name, value in pairs][::-1]
    other.insert(len(other) // 2, "variant=12")
    assert classify("https://kedai.example/?" + "&".join(other)) == plain


@given(names, values, values)
def test_the_first_of_repeated_parameters_counts(name: str, first: str, second: str) -> None:
    once = classify(f"https://kedai.example/?{name}={first}")
    twice = classify(f"https://kedai.example/?{name}=&{name}={first}&{name}={second}")
    assert twice == attrs.evolve(once, flags=(f"repeated:{name}",))


@given(texts)
def test_a_host_that_is_read_is_in_its_canonical_form(text: str) -> None:
    host, problem = canonical_host(clean(text))
    assert bool(host) != bool(problem)
    if host:
        assert canonical_host(host) == (host, "")
        assert host.isascii()
        assert read_address(f"https://{host}/").host == host


@given(texts)
def test_an_address_has_a_host_or_a_problem(text: str) -> None:
    address = read_address(clean(text))
    assert bool(address.host) != bool(address.problem)


@given(values)
def test_an_unknown_utm_source_is_not_direct(value: str) -> None:
    answer = classify(f"https://kedai.example/?utm_source=zq{value}")
    tag = clean(f"zq{value}")
    assert answer == Attribution(
        slug(tag), tag, "tag", "Unassigned", "utm-source", tag, utm_source=tag
    )
    assert answer.source not in {"direct", "referral"}


@given(st.lists(touches, min_size=1, max_size=4), st.integers(1, 5))
def test_what_a_table_remembers_changes_no_answer(
    some_touches: list[Touch], remembered: int
) -> None:
    table, forgetful = TABLE.remembering(remembered), TABLE.remembering(0)
    for touch in some_touches * 4:
        assert table.classify(touch) == forgetful.classify(touch)


@given(
    st.lists(st.tuples(names, values), max_size=4),
    st.lists(
        st.tuples(st.sampled_from(["gclid", "gbraid", "fbclid", "ttclid", "variant"]), values),
        min_size=1,
        max_size=3,
    ),
    st.sampled_from(["", "#x", "#utm_source=tiktok", "&", "&gclid=", "&gclid=a%20b"]),
)
def test_click_ids_that_come_and_go_change_no_answer(
    tags: list[tuple[str, str]], ids: list[tuple[str, str]], tail: str
) -> None:
    table, forgetful = TABLE.remembering(10), TABLE.remembering(0)
    head = "".join(f"&{name}={value}" for name, value in tags)
    for number in range(5):
        last = "".join(f"&{name}={value}{number}" for name, value in ids)
        touch = Touch(f"https://kedai.example/?a=1{head}{last}{tail}", None, AT)
        assert table.classify(touch) == forgetful.classify(touch)


def calls_of(landing: str, referrer: str, table: AttributionTable = FORGETFUL) -> int:
    """How many calls an answer takes, of Python's functions and of C's."""
    count = 0

    def tally(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    sys.setprofile(tally)
    try:
        table.classify(Touch(landing, referrer, AT))
    finally:
        sys.setprofile(None)
    return count


@given(hosts, labels, labels)
def test_what_a_table_has_seen_it_need_not_read_again(host: str, page: str, other: str) -> None:
    shop, referrer = "https://kedai.example/", f"https://{host}/"
    table = TABLE.remembering(100)

    def work(landing: str) -> int:
        return calls_of(landing, referrer, table)

    first = work(f"{shop}{page}")
    of_another_shop = work(f"http://{other}.example/{page}")
    another_page = work(f"{shop}{page}/{other}")
    assert another_page < of_another_shop < first
    for query in ("?a=1", "?a=2&gclid={}"):
        *before, known = (work(f"{shop}{query.format(number)}") for number in range(3))
        assert known < min(before)


@given(url_like.filter(bool))
def test_the_work_grows_no_faster_than_the_input(part: str) -> None:
    part = part[:40]

    def work(times: int) -> int:
        text = part * times
        return calls_of(f"https://kedai.example/?{text}", f"https://{text}")

    once, twice = work(100), work(200)
    assert twice <= 2 * once + 100
    # Nothing is read after 8 KiB.
    assert work(20_000) <= 8192 * 20


@given(st.integers(0, 2**64))
def test_real_links_never_raise_however_they_are_damaged(seed: int) -> None:
    # Over a million links in the deep profile: Hypothesis draws the seed alone, which is cheap.
    random = Random(seed)
    for _ in range(250):
        landing, referrer = (damaged(random, random.choice(REAL_LINKS)) for _ in range(2))
        answer = TABLE.classify(Touch(landing, referrer, AT))
        assert answer.channel
        assert len(answer.evidence) <= 256


def damaged(random: Random, link: str) -> str:
    """A link with pieces of another in it, or with characters changed, doubled or dropped."""
    other = random.choice(REAL_LINKS)
    for _ in range(random.randrange(1, 6)):
        at, end = random.randrange(len(link) + 1), random.randrange(len(other) + 1)
        piece = random.choice((chr(random.randrange(0x110000)), random.choice("?&=;#%/:@[]."), ""))
        piece += other[random.randrange(end + 1) : end] if random.random() < 0.5 else ""
        link = link[:at] + piece + link[at + random.randrange(3) :]
    return link
