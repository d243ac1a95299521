"""Files in parts: joined as they were written, or refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("pyarrow")

from shoppego_orders.errors import InvalidParts, InvalidValue, OutputNotWritten
from shoppego_orders.export import Column, CsvStream, write_csv
from shoppego_orders.scale import Manifest, Part, read_manifest, read_parts
from shoppego_orders.scale.parts import filled, name_of_try, write_part

COLUMNS = (Column[str]("name", "Name", "text", str),)


def written(folder: str, *parts: list[str]) -> Manifest:
    """A file of which each part has these records."""
    with filled(folder) as fill:
        made: list[Part] = []
        for number, names in enumerate(parts):
            stream = write_csv(names, COLUMNS)
            if number:
                next(stream)  # the header, of which the first part is
            made.append(write_part(folder, f"{number}.csv", stream))
        return fill(made)


@given(parts=st.lists(st.lists(st.text(max_size=9), max_size=4), min_size=1, max_size=4))
def test_parts_join_to_the_bytes_of_a_single_file(
    tmp_path_factory: pytest.TempPathFactory, parts: list[list[str]]
) -> None:
    folder = str(tmp_path_factory.mktemp("parts"))
    manifest = written(folder, *parts)
    single = write_csv([name for names in parts for name in names], COLUMNS)
    whole = b"".join(single)
    assert b"".join(read_parts(folder)) == whole
    assert read_manifest(folder) == manifest
    assert (manifest.size, manifest.records) == (len(whole), single.summary.records)
    assert manifest.replaced == single.summary.replaced


def test_a_folder_may_be_named_by_its_address(tmp_path: Path) -> None:
    written((tmp_path / "a folder").as_uri(), ["Aminah"], ["José"])
    assert b"".join(read_parts(str(tmp_path / "a folder"))) == b"name\r\nAminah\r\nJos\xc3\xa9\r\n"


def test_what_the_manifest_does_not_name_is_no_part(tmp_path: Path) -> None:
    folder = str(tmp_path)
    with filled(folder) as fill:
        part = write_part(folder, "1.csv", write_csv(["Aminah"], COLUMNS))
        write_part(folder, "1-again.csv", write_csv(["Aminah"], COLUMNS))
        fill([part])
    assert {path.name for path in tmp_path.iterdir()} == {"1.csv", "manifest.json"}


@pytest.mark.parametrize("change", [b"", b"name\r\nAminah", b"name\r\nAminah \r\n"])
def test_a_part_that_was_changed_is_told(tmp_path: Path, change: bytes) -> None:
    written(str(tmp_path), ["Aminah"])
    (tmp_path / "0.csv").write_bytes(change)
    with pytest.raises(InvalidParts, match=r"0\.csv is not as it was written"):
        list(read_parts(str(tmp_path)))


def test_a_part_that_is_missing_is_told(tmp_path: Path) -> None:
    written(str(tmp_path), ["Aminah"], ["José"])
    (tmp_path / "1.csv").unlink()
    with pytest.raises(InvalidParts, match=r"1\.csv"):
        list(read_parts(str(tmp_path)))


@pytest.mark.parametrize(
    "manifest",
    [
        None,
        b"",
        b"[]",
        b"\xff",
        b'{"parts": 5}',
        b'{"parts": [{"name": "0.csv"}]}',
        json.dumps(
            {"parts": [{"name": "0.csv", "size": -1, "digest": "", "records": 1, "replaced": 0}]}
        ).encode(),
    ],
)
def test_a_folder_without_a_readable_manifest_is_refused(
    tmp_path: Path, manifest: bytes | None
) -> None:
    if manifest is not None:
        (tmp_path / "manifest.json").write_bytes(manifest)
    with pytest.raises(InvalidParts, match=r"can't be joined: ."):
        read_parts(str(tmp_path))


@pytest.mark.parametrize("name", ["../secret.csv", "a/b.csv", "/etc/passwd"])
def test_a_manifest_names_no_file_elsewhere(tmp_path: Path, name: str) -> None:
    written(str(tmp_path), ["Aminah"])
    manifest = json.loads((tmp_path / "manifest.json").read_bytes())
    manifest["parts"][0]["name"] = name
    (tmp_path / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    with pytest.raises(InvalidParts, match="name"):
        read_parts(str(tmp_path))


def test_what_fails_on_the_way_is_removed(tmp_path: Path) -> None:
    folder = str(tmp_path / "parts")

    def broken() -> Iterator[str]:
        yield "Aminah"
        raise InvalidValue("name", 5, "text")

    def failing() -> None:
        with filled(folder):
            write_part(folder, "0.csv", write_csv(["Aminah"], COLUMNS))
            write_part(folder, "1.csv", write_csv(broken(), COLUMNS))

    with pytest.raises(InvalidValue):
        failing()
    assert list((tmp_path / "parts").iterdir()) == []
    written(folder, ["Aminah"])  # and may be tried again


def test_a_part_that_an_earlier_try_left_is_in_nobodys_way(tmp_path: Path) -> None:
    late = write_part(str(tmp_path), name_of_try(7), write_csv(["late"], COLUMNS))
    written(str(tmp_path), ["Aminah"])
    assert b"".join(read_parts(str(tmp_path))) == b"name\r\nAminah\r\n"
    assert late.name not in {path.name for path in tmp_path.iterdir()}


def test_of_two_who_write_one_folder_at_once_the_first_to_end_wins(tmp_path: Path) -> None:
    folder = str(tmp_path)

    def second() -> None:
        with filled(folder) as fill:
            part = write_part(folder, name_of_try(0), write_csv(["José"], COLUMNS))
            with filled(folder) as first:
                first([write_part(folder, name_of_try(0), write_csv(["Aminah"], COLUMNS))])
            fill([part])

    with pytest.raises(OutputNotWritten):
        second()
    assert b"".join(read_parts(folder)) == b"name\r\nAminah\r\n"


def test_a_folder_that_holds_something_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine", "utf-8")
    with pytest.raises(OutputNotWritten, match=r"mine\.txt is there; expected a new or empty"):
        written(str(tmp_path), ["Aminah"])
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_folder_that_workers_and_driver_do_not_share_is_told(tmp_path: Path) -> None:
    elsewhere, here = tmp_path / "worker", tmp_path / "driver"
    elsewhere.mkdir()
    with (
        pytest.raises(OutputNotWritten, match="workers and driver must share the folder"),
        filled(str(here)) as fill,
    ):
        fill([write_part(str(elsewhere), "0.csv", write_csv(["Aminah"], COLUMNS))])
    assert list(here.iterdir()) == []


@pytest.mark.parametrize("folder", ["file.txt", "file.txt/parts", "none-such://bucket/parts"])
def test_a_place_that_is_no_folder_is_told(tmp_path: Path, folder: str) -> None:
    (tmp_path / "file.txt").write_text("mine", "utf-8")
    place = folder if "://" in folder else str(tmp_path / folder)
    with pytest.raises(OutputNotWritten, match="was not written"):
        written(place, ["Aminah"])
    stream: CsvStream = write_csv(["Aminah"], COLUMNS)
    with pytest.raises(OutputNotWritten):
        write_part(place, "0.csv", stream)
    with pytest.raises(InvalidParts):
        read_manifest(place)
