"""Where an order came from: touches, the table, a merchant's own rows and rules."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import xml.etree.ElementTree as ET
from datetime import UTC, datetime

import attrs
import pytest

from shoppego_orders.attribution import (
    CHANNELS,
    Attribution,
    AttributionTable,
    ClickId,
    ClickParameter,
    Rule,
    Source,
    Touch,
    default_table,
)
from shoppego_orders.attribution.logos import LOGOS
from shoppego_orders.attribution.shipped import shipped_text
from shoppego_orders.attribution.text import clean, fold

AT = datetime(2026, 3, 14, 12, tzinfo=UTC)
TABLE = default_table()
SHOP = "https://hartamas.myshoppegram.com"


def classify(
    landing: str, referrer: str | None = None, table: AttributionTable = TABLE
) -> Attribution:
    return table.classify(Touch(landing, referrer, AT))


# Touch


def test_a_touch_takes_any_text_and_no_landing_url() -> None:
    assert Touch(None, None, AT).landing_url == ""
    assert Touch("\ud800", "\x00", AT).referrer == "\x00"


def test_an_anonymised_touch_keeps_page_and_tags_only() -> None:
    touch = Touch(
        f"{SHOP}/produk?utm_source=a%26b&gclid=x&email=ali%40example.my#top",
        "https://ali:rahsia@www.google.com/search?q=rahsia#x",
        AT,
    )
    assert touch.anonymised() == Touch(
        f"{SHOP}/produk?utm_source=a%26b", "https://www.google.com/search", AT
    )
    assert Touch("/?fbclid=1", None, AT).anonymised() == Touch("/", None, AT)


# The answer


def test_the_answer_says_why() -> None:
    reasons = [
        classify(f"{SHOP}/?utm_source=TikTok").reason,
        classify(f"{SHOP}/?gclid=1").reason,
        classify(SHOP, "https://www.google.com.my/").reason,
        classify(f"{SHOP}/?utm_medium=email").reason,
        classify(SHOP).reason,
        classify(SHOP, "about:blank").reason,
        classify(SHOP, "https://www.billplz.com/").reason,
    ]
    assert reasons == [
        "TikTok: utm_source is 'TikTok'.",
        "Google Ads: the landing URL carries gclid.",
        "Google: the visitor came from www.google.com.my.",
        "Unknown source: the landing URL has campaign tags and no utm_source.",
        "Direct: no campaign tag, no click id and no referrer that counts.",
        (
            "Direct: no campaign tag, no click id and no referrer that counts; "
            "the referrer can't be credited (about address)."
        ),
        (
            "Billplz: the visitor came from www.billplz.com; this is no touch (payment), "
            "the earlier one keeps the credit."
        ),
    ]


def test_where_the_question_mark_was_forgotten_every_tag_is_read() -> None:
    answer = classify(f"{SHOP}/produk&utm_source=tiktok&utm_medium=cpc&utm_campaign=raya")
    assert (answer.utm_source, answer.medium, answer.campaign) == ("tiktok", "cpc", "raya")
    assert answer.flags == ("repaired",)


@pytest.mark.parametrize("name", ["ad-id", "ad.id", "ad%5Fid"])
def test_a_fragment_that_begins_with_a_parameter_is_read(name: str) -> None:
    assert classify(f"{SHOP}/#{name}=1&utm_source=tiktok").source == "tiktok"


@pytest.mark.parametrize("medium", ["", "(none)", "(not set)", "(NOT-SET)"])
def test_a_medium_that_says_nothing_is_none(medium: str) -> None:
    url = f"{SHOP}/?utm_source=google-ads&utm_medium={medium}"
    assert classify(url, "https://www.google.com/").channel == "Paid Search"


def test_a_flag_of_another_kind_needs_no_aside() -> None:
    answer = classify(f"{SHOP}/?utm_source=tiktok&utm_source=x", "about:blank")
    assert answer.flags == ("repeated:utm_source", "invalid-referrer:about address")
    assert answer.reason.endswith("(about address).")


def test_the_answer_is_plain_data() -> None:
    answer = classify(f"{SHOP}/?utm_source=tiktok&ttclid=1")
    assert json.loads(json.dumps(attrs.asdict(answer)))["click_ids"] == [
        {"name": "ttclid", "value": "1"}
    ]
    assert pickle.loads(pickle.dumps(answer)) == answer


# The table that ships


@pytest.mark.parametrize(
    ("key", "logo"),
    [
        ("direct", "globe"),
        ("youtube", "youtube"),
        ("tiktok", "tiktok"),
        ("google", "google"),
        ("google-ads", "google-plus"),
        ("telegram", "telegram"),
        ("whatsapp", "whatsapp"),
        ("wordpress", "wordpress"),
    ],
)
def test_the_rows_of_the_orders_page(key: str, logo: str) -> None:
    assert TABLE[key].logo == logo


def test_the_table_that_ships_is_complete() -> None:
    rows = TABLE.rows
    assert sum(len(row.hosts) for row in rows if row.category == "ai") >= 25
    assert sum(row.ignored == "payment" for row in rows) >= 20
    assert sum(len(row.click_ids) for row in rows) >= 18
    assert {row.channel for row in rows} <= set(CHANNELS)


def test_it_is_read_as_any_toml_would_be() -> None:
    assert AttributionTable.from_toml(shipped_text()) == TABLE


def test_no_two_rows_of_it_claim_the_same() -> None:
    tags = [
        name for row in TABLE.rows for name in {fold(clean(tag)) for tag in (row.key, *row.utm)}
    ]
    hosts = [host for row in TABLE.rows for host in row.hosts]
    apps = [app for row in TABLE.rows for app in row.apps]
    for claims in (tags, hosts, apps):
        assert len(set(claims)) == len(claims)


def test_importing_reads_no_table() -> None:
    code = (
        "import sys, shoppego_orders.attribution as a;"
        "assert not a.default_table.cache_info().currsize;"
        "assert not {'tomllib', 'csv', 'yaml'} & set(sys.modules), sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# A merchant's own rows


def test_a_merchants_rows_win() -> None:
    kakak = Source("kakak-ain", "Kakak Ain", "Influencers", "star", "ain", "ain.example")
    table = TABLE.extended([kakak, Source("tiktok", "TikTok lain", "Referral")])
    assert classify("/?utm_source=AIN&utm_medium=cpc", table=table).channel == "Influencers"
    assert classify("/", "https://m.ain.example/", table).source == "kakak-ain"
    assert classify("/?utm_source=tiktok", table=table).name == "TikTok lain"
    assert classify("/", "https://www.tiktok.com/", table).source == "referral"
    assert len(table.rows) == len(TABLE.rows) + 1


def test_rows_behind_complete_the_table() -> None:
    table = TABLE.completed_with(
        [
            Source("facebook", "FB", hosts="fb.example"),
            Source("baru", "Baru", hosts="baru.example t.me"),
        ]
    )
    assert classify("/", "https://fb.example/", table).name == "Facebook"
    assert classify("/", "https://baru.example/", table).source == "baru"
    assert classify("/", "https://t.me/", table).source == "telegram"


def test_rows_of_one_key_are_recognised_by_whatever_either_is() -> None:
    ours = Source(
        "cari",
        "Cari",
        utm="ours both",
        hosts="ours.example both.example",
        apps="ours.app both.app",
        click_ids=[ClickParameter("oursclid", "paid"), ClickParameter("bothclid", "paid")],
        search="ours both",
    )
    theirs = Source(
        "cari",
        "Search",
        "Referral",
        utm="both theirs",
        hosts="both.example theirs.example",
        apps="both.app theirs.app",
        click_ids=[ClickParameter("bothclid", "paid"), ClickParameter("theirsclid", "organic")],
        search="both theirs",
    )
    assert AttributionTable([ours]).completed_with([theirs]).rows == (
        Source(
            "cari",
            "Cari",
            utm="ours both theirs",
            hosts="ours.example both.example theirs.example",
            apps="ours.app both.app theirs.app",
            click_ids=[
                ClickParameter("oursclid", "paid"),
                ClickParameter("bothclid", "paid"),
                ClickParameter("theirsclid", "organic"),
            ],
            search="ours both theirs",
        ),
    )


def test_rows_are_removed() -> None:
    table = TABLE.without("tiktok", "direct")
    assert classify("/", "https://www.tiktok.com/", table).source == "referral"
    assert classify("/", table=table).logo == "globe"


def test_rows_are_reordered() -> None:
    first = Source("first", "First", utm="promo")
    second = Source("second", "Second", utm="promo")
    table = AttributionTable([first, second])
    assert classify("/?utm_source=promo", table=table).source == "first"
    assert classify("/?utm_source=promo", table=table.reordered("second")).source == "second"


def test_longer_paths_win_over_shorter() -> None:
    table = AttributionTable(
        [
            Source("site", "Site", hosts="site.example"),
            Source("part", "Part", hosts="site.example/a/"),
            Source("deep", "Deep", hosts="site.example/a/b"),
        ]
    )
    found = [
        classify("/", f"https://www.site.example{path}", table).source
        for path in ("", "/", "/a", "/A/x", "/ab", "/a/b", "/a/b/c", "/a/bc")
    ]
    assert found == ["site", "site", "part", "part", "site", "deep", "deep", "part"]


def test_a_row_may_leave_the_country_open() -> None:
    table = AttributionTable(
        [Source("cari", "Cari", hosts="cari.{}"), Source("negeri", "Negeri", hosts="{}.negeri.my")]
    )
    hosts = ("cari.de", "www.cari.com.my", "cari.evil.com", "cari.info", "kl.negeri.my")
    assert [classify("/", f"https://{host}/", table).source for host in hosts] == [
        *("cari", "cari", "referral", "referral", "negeri")
    ]
    assert classify("/", "https://kuala.negeri.my/", table).source == "referral"


def test_a_source_that_no_row_knows_looks_as_the_shops_own_row_says() -> None:
    table = TABLE.extended([Source("unknown", "Tak dikenali", "Lain-lain", "question")])
    answer = classify("/?utm_source=Kak%20Ain", table=table)
    assert (answer.source, answer.name) == ("kak-ain", "Kak Ain")
    assert (answer.logo, answer.channel) == ("question", "Lain-lain")
    nameless = classify("/?utm_source=%21", table=table)
    assert (nameless.source, nameless.name, nameless.logo) == ("unknown", "!", "question")
    tagged = classify("/?utm_medium=poster", table=table)
    assert tagged == Attribution(
        "unknown", "Tak dikenali", "question", "Lain-lain", "utm-tags", medium="poster"
    )


def test_a_paid_row_without_search_stays_in_its_channel() -> None:
    table = TABLE.extended([Source("iklan", "Iklan", "Display", hosts="iklan.example")])
    assert classify("/", "https://iklan.example/", table).channel == "Display"
    assert classify("/?utm_source=iklan&utm_medium=cpc", table=table).channel == "Paid Other"


def test_a_search_term_by_pattern() -> None:
    row = Source("cari", "Cari", hosts="cari.example", search=["/\\/cari\\/([^?\\/]+)/", "q"])
    table = AttributionTable([row])
    terms = [
        classify("/", f"https://cari.example{rest}", table).search_term
        for rest in ("/cari/baju%20raya/1", "/lain?q=tudung", "/lain", "/cari/+?q=x")
    ]
    assert terms == ["baju raya", "tudung", None, "x"]


def test_a_row_takes_lists_as_texts_and_as_lists() -> None:
    row = Source(
        "a", "A", hosts=["a.example"], click_ids=[ClickParameter(" AClid ", "paid")], utm="x y"
    )
    assert (row.hosts, row.utm, row.logo) == (("a.example",), ("x", "y"), "a")
    answer = classify("/?ACLID=1", table=AttributionTable([row]))
    assert answer.click_ids == (ClickId("aclid", "1"),)


# A merchant's own rules


def with_rule(
    field: str, match: str, values: str | list[str], channel: str | None = None
) -> AttributionTable:
    rule = Rule("kempen", "telegram", field, match, values, channel)  # type: ignore[arg-type] # parametrized
    return TABLE.with_rules([rule])


@pytest.mark.parametrize(
    ("field", "match", "values"),
    [
        ("source", "exact", "Kedai_Ain"),
        ("medium", "prefix", "siaran"),
        ("campaign", "contains", ["RAYA"]),
        ("campaign", "set", ["a", "Jualan Raya"]),
        ("host", "exact", "l.FACEBOOK.com"),
        ("host", "contains", "facebook"),
        ("host", "contains", ".Facebook."),
        ("path", "prefix", "/Promosi"),
    ],
)
def test_a_rule_decides_first(field: str, match: str, values: str | list[str]) -> None:
    landing = f"{SHOP}/promosi/1?utm_source=kedai-ain&utm_medium=siaran-wa&utm_campaign=jualan-raya"
    answer = classify(landing, "https://l.facebook.com/", with_rule(field, match, values))
    assert (answer.source, answer.rule, answer.utm_source) == (
        *("telegram", "merchant-rule", "kedai-ain"),
    )
    assert answer.evidence.startswith(f"'kempen' ({field} {match} ")
    assert answer.reason.startswith("Telegram: the shop's own rule 'kempen'")


@pytest.mark.parametrize(
    ("field", "match", "values"),
    [
        ("source", "exact", "ain"),
        ("source", "prefix", "ain"),
        ("medium", "exact", "cpc"),
        ("campaign", "set", ["jualan"]),
        ("campaign", "contains", "merdeka"),
        ("host", "exact", "facebook.com"),
        ("path", "exact", "/promosi"),
    ],
)
def test_a_rule_that_does_not_fit(field: str, match: str, values: str | list[str]) -> None:
    landing = f"{SHOP}/promosi/1?utm_source=kedai-ain&utm_campaign=jualan-raya"
    answer = classify(landing, "https://l.facebook.com/", with_rule(field, match, values))
    assert answer.rule == "utm-source"


def test_a_rule_may_say_the_channel() -> None:
    table = with_rule("path", "prefix", "/promosi", "Siaran")
    assert classify("/promosi", table=table).channel == "Siaran"
    assert classify("/promosi?utm_medium=cpc", table=with_rule("path", "prefix", "/promosi")) == (
        attrs.evolve(classify("/promosi?utm_medium=cpc", table=table), channel="Paid Social")
    )


# The shop's own hosts


def test_a_shops_own_hosts_are_no_touch() -> None:
    table = TABLE.for_shop("Hartamas.com.", "www.kedai.example")
    own = ["https://hartamas.com/", "https://www.hartamas.com/x", "https://kedai.example/"]
    assert [classify(SHOP, url, table).ignored for url in own] == ["own-shop"] * 3
    assert classify(SHOP, "https://blog.hartamas.com/", table).source == "referral"


def test_a_touch_from_the_shop_itself_is_the_tables_direct_row() -> None:
    table = TABLE.extended([Source("direct", "Terus", "Walk-in")]).for_shop("hartamas.com")
    answer = classify("/", "https://hartamas.com/x", table)
    assert (answer.source, answer.name, answer.channel) == ("direct", "Terus", "Walk-in")
    assert (answer.rule, answer.evidence) == ("referrer", "hartamas.com")
    assert classify("/", table=table).name == "Terus"


def test_subdomains_are_the_shops_only_when_asked() -> None:
    table = TABLE.for_shop("hartamas.com", subdomains=True)
    assert classify(SHOP, "https://blog.hartamas.com/", table).ignored == "own-shop"
    assert classify(SHOP, "https://nothartamas.com/", table).source == "referral"


# What a table remembers


def test_a_table_may_remember_nothing() -> None:
    table = TABLE.remembering(0)
    assert classify(f"{SHOP}/?utm_source=tiktok", table=table).source == "tiktok"


def test_a_remembered_answer_has_the_click_id_of_its_own_url() -> None:
    table = TABLE.remembering(100)
    answers = [
        classify(f"{SHOP}/?gad_source=1&fbclid=x&gbraid={number}b&gclid={number}", table=table)
        for number in range(5)
    ]
    assert [answer.click_ids[0].value for answer in answers] == list("01234")
    assert answers == [
        attrs.evolve(
            answers[0],
            click_ids=(
                ClickId("gclid", f"{n}"),
                ClickId("gbraid", f"{n}b"),
                ClickId("fbclid", "x"),
            ),
        )
        for n in range(5)
    ]


def test_a_remembered_answer_keeps_the_click_id_that_no_platform_appended() -> None:
    table = TABLE.remembering(100)
    answers = [classify(f"{SHOP}/?gclid=a&x=1&fbclid={number}", table=table) for number in range(5)]
    assert [answer.click_ids for answer in answers] == [
        (ClickId("gclid", "a"), ClickId("fbclid", f"{number}")) for number in range(5)
    ]


def test_a_table_is_sent_without_what_it_remembers() -> None:
    table = TABLE.for_shop("hartamas.com").remembering(100)
    fresh = len(pickle.dumps(table))
    for number in range(50):
        classify(f"{SHOP}/?utm_source=kol-{number}", "https://t.me/", table)
    assert len(pickle.dumps(table)) == fresh
    assert pickle.loads(pickle.dumps(table)) == table


def test_an_answer_that_another_click_id_would_not_change_is_no_shape() -> None:
    table = TABLE.remembering(100)
    for number in range(4):
        answer = classify(f"{SHOP}/?gclid=first&x=1&gclid={number}", table=table)
        assert answer.click_ids == (ClickId("gclid", "first"),)
        assert answer.flags == ("repeated:gclid",)


@pytest.mark.parametrize("page", ["?gclid=1", "?gclid=1#a", "?gclid=%31&x=1", "?%67clid=1"])
def test_a_click_id_that_stands_twice_is_no_shape_even_with_one_value(page: str) -> None:
    table = TABLE.remembering(100)
    found = [classify(f"{SHOP}/{page}&gclid={last}", table=table) for last in "1112"]
    assert {answer.click_ids for answer in found} == {(ClickId("gclid", "1"),)}


# Logos


def test_each_source_of_the_orders_page_has_a_drawing() -> None:
    keys = ("direct", "youtube", "tiktok", "google", "google-ads", "telegram", "whatsapp")
    assert {TABLE[key].logo for key in (*keys, "wordpress")} == set(LOGOS)


@pytest.mark.parametrize("slug", LOGOS)
def test_a_drawing_is_small_and_harmless(slug: str) -> None:
    root = ET.fromstring(LOGOS[slug])
    tags = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert tags <= {"svg", "title", "path", "circle", "ellipse", "rect"}
    assert root.findtext("{http://www.w3.org/2000/svg}title")
    assert len(LOGOS[slug]) < 600


def test_a_package_is_no_longer_than_a_host() -> None:
    referrer = f"android-app://com.{'x' * 1000}/"
    answer = default_table().classify(Touch("https://kedai.example/", referrer, AT))
    assert (answer.source, answer.flags) == ("direct", ("invalid-referrer:bad package",))
