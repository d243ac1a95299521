"""Tables that a merchant writes, and the lists of other projects."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from shoppego_orders.attribution import Attribution, AttributionTable, Source, Touch
from shoppego_orders.attribution.lists import read_csv, read_json, read_table, read_toml
from shoppego_orders.attribution.other_lists import (
    read_ga4_categories,
    read_matomo_ai_assistants,
    read_matomo_search_engines,
    read_matomo_socials,
    read_snowplow,
)
from shoppego_orders.errors import InputNotRead, InvalidTable, MissingExtra
from wrong_calls import assert_told

AT = datetime(2026, 3, 14, 12, tzinfo=UTC)

TOML = """\
# Kak Ain's own
[[source]]
key = "kak-ain"
name = "Kak Ain"
channel = "Influencers"
utm = ["ain", "Kak Ain"]
hosts = "ain.example"
click_ids = { ainclid = "paid" }

[[rule]]
name = "siaran"
source = "kak-ain"
field = "campaign"
match = "prefix"
values = "siaran-"
"""
ROWS = AttributionTable.from_toml(TOML)


def classify(table: AttributionTable, landing: str, referrer: str | None = None) -> Attribution:
    return table.classify(Touch(landing, referrer, AT))


def test_toml_holds_rows_and_rules() -> None:
    assert classify(ROWS, "/?utm_source=AIN").source == "kak-ain"
    assert classify(ROWS, "/?utm_campaign=siaran-1").rule == "merchant-rule"


def test_json_and_csv_say_the_same(tmp_path: Path) -> None:
    entry = {
        "key": "kak-ain",
        "name": "Kak Ain",
        "channel": "Influencers",
        "utm": ["ain", "Kak Ain"],
        "hosts": "ain.example",
        "click_ids": {"ainclid": "paid"},
    }
    rule = {"name": "siaran", "source": "kak-ain", "field": "campaign", "match": "prefix"}
    document = json.dumps({"source": [entry], "rule": [{**rule, "values": "siaran-"}]})
    assert read_json(document) == ROWS
    table = read_csv(
        "key,name,channel,utm,hosts,click_ids,ignored\r\n"
        "kak-ain,Kak Ain,Influencers,ain kak-ain,ain.example,ainclid:paid,\r\n"
        "\r\n"
    )
    assert classify(table, "/?utm_source=Kak%20Ain").channel == "Influencers"
    assert classify(table, "/?ainclid=1").source == "kak-ain"
    for name, text in (("a.toml", TOML), ("a.json", document), ("a.JSON", document)):
        (tmp_path / name).write_text(text, encoding="utf-8-sig")
        assert read_table(tmp_path / name) == ROWS
    (tmp_path / "a.csv").write_text("key,name\nx,X\n", encoding="utf-8")
    assert read_table(tmp_path / "a.csv").rows == (Source("x", "X"),)


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (read_toml, '[[source]]\nkey = "x"\nname = "X"\n'),
        (read_json, '{"source": [{"key": "x", "name": "X"}]}'),
        (read_csv, "key,name\nx,X\n"),
    ],
)
def test_a_text_may_begin_with_a_byte_order_mark(
    read: Callable[[str], AttributionTable], text: str
) -> None:
    assert read(f"\ufeff{text}").rows == (Source("x", "X"),)


def test_a_file_that_is_no_table(tmp_path: Path) -> None:
    names = ("a.xlsx", "tiada.toml", "a.toml", "row.toml")
    sheet, missing, broken, row = (tmp_path / name for name in names)
    broken.write_bytes(b"\xff")
    row.write_text("row = 1", encoding="utf-8")
    problem = "is none of .toml, .json and .csv"
    for error, read in (
        (InvalidTable(str(sheet), "the file", None, problem), lambda: read_table(sheet)),
        (
            InvalidTable(str(row), "row", None, "is neither source nor rule"),
            lambda: read_table(row),
        ),
        (
            InputNotRead(str(missing), 0, "No such file or directory"),
            lambda: read_table(missing),
        ),
        (
            InputNotRead(
                str(broken),
                0,
                "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte",
            ),
            lambda: AttributionTable.from_toml(broken),
        ),
    ):
        assert_told(error, read)


def assert_malformed(
    read: Callable[[str], object], text: str, *, entry: str, line: int | None, problem: str
) -> str:
    """Read a text, which is refused with this; "…" stands for what a parser says.

    :returns: as what it was read.
    """
    with pytest.raises(InvalidTable) as caught:
        read(text)
    assert (caught.value.entry, caught.value.line) == (entry, line)
    ours, parsers, _ = problem.partition("…")
    told = caught.value.problem
    assert (told.startswith(ours) and told != ours) if parsers else told == problem
    return caught.value.origin


FIELDS = "apps, category, channel, click_ids, hosts, ignored, key, logo, name, search, utm"
NO_VALUE = "is None; expected a value; the entry has none"
NO_KEY = "expected kebab-case of at most 64 characters: 'my-source'"
NO_HOST = "expected a host such as 'example.com' or 'example.com/path'"
GOOD = '[[source]]\nkey = "a"\nname = "A"\n\n'


@pytest.mark.parametrize(
    ("text", "entry", "line", "problem"),
    [
        ("x = ]", "the file", 1, "is no TOML: …"),
        ("x = " + "[" * 5000, "the file", None, "is no TOML: …"),
        ("row = 1", "row", None, "is neither source nor rule"),
        ("source = 1", "source", None, "is no list of entries"),
        ("source = [1]", "source 1", None, "the entry is 1; expected an object"),
        (GOOD + '[[source]]\nkey = "b"\n', "b", 5, f"name {NO_VALUE}"),
        (GOOD + '[[source]]\nkey = "B"\nname = "B"\n', "B", 5, f"key is 'B'; {NO_KEY}"),
        (
            GOOD + '[[source]]\nkey = "b"\nname = "B"\ncolour = 1\n',
            "b",
            5,
            f"a field is 'colour'; expected one of {FIELDS}",
        ),
        (GOOD + '[[source]]\nkey = "a"\nname = "B"\n', "a", 5, "two rows have this key"),
        (GOOD + '[[source]]\nname = "B"\n', "B", 5, f"key {NO_VALUE}"),
        (GOOD + "[[source]]\nkey = 7\n", "source 2", 5, f"name {NO_VALUE}"),
        (
            GOOD + '[[rule]]\nname = "r"\nsource = "b"\nfield = "path"\nmatch = "exact"\n'
            'values = "/"\n',
            "r",
            5,
            "gives 'b', which is no row's key",
        ),
        (GOOD + '[[rule]]\nname = "r"\nsource = "a"\n', "r", 5, f"field {NO_VALUE}"),
    ],
)
def test_malformed_toml_says_which_entry_and_line(
    text: str, entry: str, line: int | None, problem: str
) -> None:
    origin = assert_malformed(read_toml, text, entry=entry, line=line, problem=problem)
    assert origin == "TOML"


@pytest.mark.parametrize(
    ("text", "entry", "line", "problem"),
    [
        ('{\n"source": [}', "the file", 2, "is no JSON: …"),
        ("[" * 100_000, "the file", None, "is nested too deeply"),
        ("[]", "the file", None, "is no object with a list called source"),
        ('{"source": [\n{"key": "a", "name": "A"},\n{"key": "b"}]}', "b", 3, f"name {NO_VALUE}"),
        ('{"source": [7]}', "source 1", None, "the entry is 7; expected an object"),
    ],
)
def test_malformed_json_says_which_entry_and_line(
    text: str, entry: str, line: int | None, problem: str
) -> None:
    origin = assert_malformed(read_json, text, entry=entry, line=line, problem=problem)
    assert origin == "JSON"


@pytest.mark.parametrize(
    ("text", "entry", "line", "problem"),
    [
        ('key,name\n"a,A\n', "the file", 2, "is no CSV: …"),
        ("key,name\na,A\nb\n", "b", 3, "has 1 cells; expected 2"),
        ("key,key\n", "the first line", 1, "names a column twice"),
        ("key,name,colour\na,A,red\n", "a", 2, f"a field is 'colour'; expected one of {FIELDS}"),
        ("key,name\na,A\nB B,B\n", "B B", 3, f"key is 'B B'; {NO_KEY}"),
        (
            "key,name,click_ids\na,A,gclid\n",
            "a",
            2,
            "click_ids.gclid is ''; expected paid, organic or either",
        ),
    ],
)
def test_malformed_csv_says_which_entry_and_line(
    text: str, entry: str, line: int, problem: str
) -> None:
    origin = assert_malformed(read_csv, text, entry=entry, line=line, problem=problem)
    assert origin == "CSV"


# Other projects' lists, in their own formats and in our own words

ENGINES = """\
Cari:
  -
    urls:
      - cari.example
      - 'cari.{}'
      - android-app//com.example.cari/https/cari.example
    params:
      - q
      - '/cari\\/([^\\/]+)/'
    backlink: 'search?q={k}'
    hiddenkeyword:
      - '/^$/'
  -
    urls:
      - '{}.peta.example'
    params: []
搜索:
  - urls: [sousuo.example]
    charsets: ~
"""


def test_matomos_search_engines() -> None:
    rows = read_matomo_search_engines(ENGINES)
    assert [row.key for row in rows] == ["cari", "cari-2", "sousuo-example"]
    table = AttributionTable(rows)
    answer = classify(table, "/", "https://www.cari.com.my/?q=baju+raya")
    assert (answer.source, answer.channel, answer.search_term) == (
        *("cari", "Organic Search", "baju raya"),
    )
    assert classify(table, "/", "https://cari.de/cari/tudung/1").search_term == "tudung"
    assert classify(table, "/", "https://my.peta.example/").name == "Cari"
    assert classify(table, "/", "android-app://com.example.cari").source == "cari"
    assert classify(table, "/", "https://sousuo.example/").name == "搜索"


def test_matomos_socials_and_assistants() -> None:
    (row,) = read_matomo_socials('"Kawan":\n  - kawan.example\n  - kwn.example/k\n')
    assert (row.key, row.channel, row.hosts) == (
        *("kawan", "Organic Social", ("kawan.example", "kwn.example/k")),
    )
    (row,) = read_matomo_ai_assistants('{"Bijak": ["bijak.example"]}')
    assert (row.key, row.channel) == ("bijak", "AI Assistant")


SNOWPLOW = """\
unknown:
  Cari:
    domains:
      - bantuan.cari.example
email:
  surat:
    domains:
      - 'mel.surat.*'
social:
  kawan:
    domains:
      - '*.kawan.example'
search:
  Cari:
    parameters:
      - q
    domains:
      - cari.example
  cari!:
    parameters:
      - w
    domains:
      - cari2.example
chatbot:
  bijak:
    domains: [bijak.example]
paid:
  iklan:
    domains: [iklan.example]
"""


def test_snowplows_referers() -> None:
    rows = read_snowplow(SNOWPLOW)
    table = AttributionTable(rows)
    assert table["cari"].hosts == ("cari.example", "cari2.example")
    assert table["cari-2"].channel == "Referral"
    assert classify(table, "/", "https://mel.surat.com.my/").channel == "Email"
    assert classify(table, "/", "https://m.kawan.example/").source == "kawan"
    assert classify(table, "/", "https://cari2.example/?w=x").search_term == "x"
    assert table["bijak"].channel == "AI Assistant"
    assert classify(table, "/", "https://iklan.example/").channel == "Paid Other"


def test_snowplows_referers_as_json(tmp_path: Path) -> None:
    file = tmp_path / "referers.json"
    file.write_text(json.dumps({"social": {"kawan": {"domains": ["kawan.example"]}}}))
    assert [row.key for row in read_snowplow(file)] == ["kawan"]


def test_ga4s_source_categories() -> None:
    rows = read_ga4_categories(
        "Source,Source category\n"
        "kedai.example,SOURCE_CATEGORY_SHOPPING\n"
        "Google Shopping,SOURCE_CATEGORY_SHOPPING\n"
        "kawan,SOURCE_CATEGORY_SOCIAL\n"
        "kawan.tv,SOURCE_CATEGORY_VIDEO\n"
        "!!!,SOURCE_CATEGORY_SEARCH\n"
    )
    table = AttributionTable(rows)
    assert classify(table, "/?utm_source=google%20shopping").channel == "Organic Shopping"
    assert classify(table, "/", "https://kedai.example/").channel == "Organic Shopping"
    assert classify(table, "/?utm_source=kawan.tv&utm_medium=cpc").channel == "Paid Video"
    assert table["source"].name == "!!!"


def test_hyphens_and_long_names_make_keys() -> None:
    name = "x" * 80
    (row,) = read_matomo_socials(json.dumps({name: ["x.example"]}))
    assert row.key == "x" * 60


def test_an_empty_name_of_nothing_is_refused() -> None:
    problem = "name is ''; expected a text that is not empty, on one line without needless blanks"
    read = read_matomo_socials
    assert_malformed(read, '{"": ["x.example"]}', entry="the file", line=1, problem=problem)


GA4 = (
    "SOURCE_CATEGORY_SEARCH, SOURCE_CATEGORY_SOCIAL, SOURCE_CATEGORY_VIDEO, "
    "SOURCE_CATEGORY_SHOPPING"
)
ORIGINS: dict[Callable[[str], object], str] = {
    read_matomo_search_engines: "Matomo's search engines",
    read_matomo_socials: "Matomo's socials",
    read_matomo_ai_assistants: "Matomo's AI assistants",
    read_snowplow: "Snowplow's list",
    read_ga4_categories: "GA4's source categories",
}
MALFORMED: list[tuple[Callable[[str], object], str, str, int | None, str]] = [
    (read_matomo_ai_assistants, "A: x", "A", 1, "is no list of texts"),
    (read_matomo_search_engines, "Cari: [x", "the file", 1, "is no YAML: …"),
    (read_matomo_search_engines, "\x00", "the file", None, "is no YAML: …"),
    (read_matomo_search_engines, "", "the file", None, "is no mapping of names"),
    (read_matomo_search_engines, "- a", "the file", None, "is no mapping of names"),
    (read_matomo_search_engines, "Cari: x", "Cari", 1, "is no list"),
    (read_matomo_search_engines, "A: []\nCari:\n  - x\n", "Cari.0", 3, "is no mapping"),
    (
        read_matomo_search_engines,
        "Cari:\n  - params: [q]\n",
        "Cari.0.urls",
        2,
        "is no list of texts",
    ),
    (
        read_matomo_search_engines,
        "Cari:\n  - urls:\n    - [x]\n",
        "Cari.0.urls",
        2,
        "holds ['x'], which is no text",
    ),
    (
        read_matomo_search_engines,
        "Cari:\n  - urls:\n    - ''\n",
        "Cari.0.urls",
        2,
        "holds '', which is no text",
    ),
    (
        read_matomo_search_engines,
        "Cari:\n  - urls: ['a b.example']\n",
        "Cari.0",
        2,
        f"hosts is 'a b.example'; {NO_HOST}",
    ),
    (
        read_matomo_search_engines,
        "Cari:\n  - urls: [a.example]\n    params: ['/(/']\n",
        "Cari.0",
        2,
        "search is '/(/'; expected a regular expression with a group",
    ),
    (read_matomo_search_engines, "[a]: x\n", "['a']", 1, "is no name"),
    (
        read_matomo_socials,
        "A: &a [x.example]\nB: *a\n",
        "B",
        1,
        "is an alias, or nested too deeply",
    ),
    (
        read_matomo_socials,
        "A: " + "[" * 20 + "]" * 20,
        ".".join(["A", *["0"] * 8]),
        1,
        "is an alias, or nested too deeply",
    ),
    (read_matomo_socials, "[" * 5000, "the file", None, "is nested too deeply"),
    (read_matomo_socials, '{\n"A": ["a.example"],\n"B": "b"}', "B", 3, "is no list of texts"),
    (read_matomo_socials, '{"A": [7]}', "A", 1, "holds 7, which is no text"),
    (read_matomo_socials, "[7]", "the file", None, "is no mapping of names"),
    (
        read_snowplow,
        "radio:\n  x: 1\n",
        "radio",
        1,
        "is none of unknown, email, social, search, chatbot, paid",
    ),
    (read_snowplow, "search:\n  x: 1\n", "search.x", 2, "is no mapping"),
    (read_snowplow, "search:\n  - x\n", "search", 1, "is no mapping of names"),
    (read_snowplow, '{"search": {"x": {}}}', "search.x.domains", 1, "is no list of texts"),
    (
        read_ga4_categories,
        "Quelle,Kategorie\na,b\n",
        "the first line",
        1,
        "has no columns called source and source_category",
    ),
    (
        read_ga4_categories,
        "source,source_category\na,SOURCE_CATEGORY_RADIO\n",
        "a",
        2,
        f"has the category 'SOURCE_CATEGORY_RADIO', none of {GA4}",
    ),
    (
        read_ga4_categories,
        "source,source_category\na..b,SOURCE_CATEGORY_VIDEO\n",
        "a..b",
        2,
        f"hosts is 'a..b'; {NO_HOST}",
    ),
]


@pytest.mark.parametrize(("reader", "text", "entry", "line", "problem"), MALFORMED)
def test_a_malformed_list_says_which_entry_and_line(
    reader: Callable[[str], object], text: str, entry: str, line: int | None, problem: str
) -> None:
    origin = assert_malformed(reader, text, entry=entry, line=line, problem=problem)
    assert origin == ORIGINS[reader]


def test_yaml_needs_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    assert_told(MissingExtra("PyYAML", "yaml"), lambda: read_matomo_socials("A: [a.example]"))
    assert read_matomo_socials('{"A": ["a.example"]}')[0].key == "a"


@pytest.mark.parametrize("read", [read_toml, read_json])
def test_a_number_of_very_many_digits_is_told_as_what_it_is(
    read: Callable[[str], AttributionTable],
) -> None:
    number = "9" * 5_000
    text = f"x = {number}" if read is read_toml else f'{{"source": {number}}}'
    problem = "is no TOML: Exceeds …" if read is read_toml else "can't be read: Exceeds …"
    origin = assert_malformed(read, text, entry="the file", line=None, problem=problem)
    assert origin == ("TOML" if read is read_toml else "JSON")
