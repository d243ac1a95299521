"""A file in parts, as many workers write it: a folder, whose manifest says what belongs to it.

Only what the manifest names counts, and it is written last.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import attrs
from attrs import validators

from shoppego_orders.errors import InvalidParts, OutputNotWritten
from shoppego_orders.export.csv_writer import CsvStream
from shoppego_orders.export.files import told_as_unwritten
from shoppego_orders.scale.extra import pa_fs

_text = attrs.field(validator=validators.instance_of(str))
_count = attrs.field(validator=[validators.instance_of(int), validators.ge(0)])


@attrs.frozen
class Part:
    """One of the files that make a whole.

    :ivar name: in its folder.
    :ivar size: in bytes.
    :ivar digest: its SHA-256, in hexadecimal.
    :ivar records: how many it holds.
    :ivar replaced: how many characters became U+FFFD.
    """

    name: str = attrs.field(validator=validators.matches_re(r"[\w.-]*\w"))
    size: int = _count
    digest: str = _text
    records: int = _count
    replaced: int = _count


@attrs.frozen
class Manifest:
    """What belongs to a file in parts, in their order; the first part holds the header alone."""

    parts: Sequence[Part]

    @property
    def size(self) -> int:
        """How many bytes the whole file has."""
        return sum(part.size for part in self.parts)

    @property
    def records(self) -> int:
        """How many records the whole file has, without its header."""
        return sum(part.records for part in self.parts)

    @property
    def replaced(self) -> int:
        """How many characters became U+FFFD, because no file in UTF-8 can hold them."""
        return sum(part.replaced for part in self.parts)


def read_manifest(folder: str) -> Manifest:
    """Read what belongs to a file in parts.

    :param folder: a path, or an address that PyArrow's file systems know.
    :raises InvalidParts: for a folder without a manifest, or with one that can't be read.
    """
    with _told_as_invalid(folder):
        system, path = _opened(folder)
        with system.open_input_stream(f"{path}/{_MANIFEST}") as file:
            written = json.loads(file.read())
        return Manifest(tuple([Part(**part) for part in written["parts"]]))


def read_parts(folder: str) -> Iterator[bytes]:
    """Read a file in parts as a whole, for ``write_file`` or a download.

    :param folder: a path, or an address that PyArrow's file systems know.
    :returns: chunks of some hundred kilobytes.
    :raises InvalidParts: as :func:`read_manifest` does. Iterating raises it for a part that is
        missing or is not as it was written; what came of it until then is no file.
    """
    return _chunks(folder, read_manifest(folder))


def _chunks(folder: str, manifest: Manifest) -> Iterator[bytes]:
    system, path = _opened(folder)
    for part in manifest.parts:
        digest = sha256()
        with (
            _told_as_invalid(folder),
            system.open_input_stream(f"{path}/{part.name}") as file,
        ):
            while chunk := file.read(_AT_ONCE):
                digest.update(chunk)
                yield chunk
        if digest.hexdigest() != part.digest:
            raise InvalidParts(folder, f"{part.name} is not as it was written")


def name_of_try(place: int) -> str:
    """Name a part that is tried to be written; no two tries have the same name, anywhere."""
    return f"part-{place:05}-{uuid4().hex}.csv"


def write_part(folder: str, name: str, stream: CsvStream) -> Part:
    """Write one of the files; if getting its content fails, it is removed.

    :raises OutputNotWritten: for a folder that can't be written to.
    """
    size, digest = 0, sha256()
    with told_as_unwritten(folder):
        system, path = _opened(folder)
        file = system.open_output_stream(f"{path}/{name}")
    try:
        # Getting a chunk may fail too; that is not the file's failure, and passes as it is.
        for chunk in stream:
            with told_as_unwritten(folder):
                file.write(chunk)
            digest.update(chunk)
            size += len(chunk)
        with told_as_unwritten(folder):
            file.close()
    except BaseException:
        with suppress(OSError):
            file.close()
            system.delete_file(f"{path}/{name}")
        raise
    return Part(name, size, digest.hexdigest(), stream.summary.records, stream.summary.replaced)


@contextmanager
def filled(folder: str) -> Generator[Callable[[Iterable[Part]], Manifest]]:
    """Make a folder that parts are written to; it is emptied if that fails.

    A worker may end after that, and leave a part that nobody waits for any more: such parts of
    earlier tries are no reason to refuse the folder, and are removed in the end.

    :returns: what is told in the end which parts belong to the whole, and writes the manifest.
    :raises OutputNotWritten: for a folder that holds something or can't be written to; and for
        parts that are not there, in the end.
    """
    with told_as_unwritten(folder):
        system, path = _opened(folder)
        system.create_dir(path)
        if there := {name for name in _names(system, path) if not _A_TRY.fullmatch(name)}:
            expected = "expected a new or empty folder"
            raise OutputNotWritten(folder, f"{min(there)} is there; {expected}")

    def fill(parts: Iterable[Part]) -> Manifest:
        manifest = Manifest(tuple(parts))
        with told_as_unwritten(folder):
            there, wanted = _names(system, path), {part.name for part in manifest.parts}
            if lost := wanted - there:
                problem = f"{min(lost)} is not there; workers and driver must share the folder"
                raise OutputNotWritten(folder, problem)
            for name in there - wanted:
                system.delete_file(f"{path}/{name}")
            beside = f"{path}/.{_MANIFEST}"
            with system.open_output_stream(beside) as file:
                file.write(json.dumps(attrs.asdict(manifest), indent=1).encode())
            system.move(beside, f"{path}/{_MANIFEST}")
        return manifest

    try:
        yield fill
    except BaseException:
        with suppress(OSError):
            # Another one who wrote there meanwhile, and was done first, keeps what is theirs.
            if _MANIFEST not in _names(system, path):
                system.delete_dir_contents(path)
        raise


_MANIFEST: Final = "manifest.json"
_A_TRY: Final = re.compile(r"part-\d{5,}-[0-9a-f]{32}\.csv")
_AT_ONCE: Final = 2**18


def _opened(folder: str) -> tuple[Any, str]:  # Any: PyArrow has no types
    if "://" in folder:
        system, path = pa_fs.FileSystem.from_uri(folder)
        return system, path
    return pa_fs.LocalFileSystem(), str(Path(folder).resolve())


def _names(system: Any, path: str) -> set[str]:  # Any: PyArrow has no types
    return {found.base_name for found in system.get_file_info(pa_fs.FileSelector(path))}


@contextmanager
def _told_as_invalid(folder: str) -> Generator[None]:
    try:
        yield
    except (OSError, ValueError, TypeError, KeyError) as problem:
        raise InvalidParts(folder, str(problem)) from problem
