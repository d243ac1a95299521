"""Files that are whole or not there: written beside their place, and moved when complete.

A process that is killed may leave what it had written by then, as a hidden file
``.PROCESS-NUMBER.part`` beside the place. Nothing reads such a file; it can be removed once that
process is gone.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager, suppress
from io import FileIO
from itertools import count
from pathlib import Path
from typing import Final

from shoppego_orders.errors import OutputNotWritten


def write_file(path: Path | str, chunks: Iterable[bytes]) -> int:
    """Write a file, or replace one; until all is written, its place stays as it was.

    :param path: where to; a link is followed.
    :param chunks: the content; if getting it fails, nothing is left.
    :returns: how many bytes were written.
    :raises OutputNotWritten: for a folder that is missing or not writable, a full disk, or a
        place that holds anything but a regular file.
    """
    with told_as_unwritten(path):
        target = Path(path).resolve()
        occupied = target.exists() and not target.is_file()
    if occupied:
        raise OutputNotWritten(str(path), "something that is no regular file is there")
    return _written(target, chunks, lambda part: part.replace(target))


def add_file(directory: Path, stem: str, suffix: str, chunks: Iterable[bytes]) -> Path:
    """Write a new file into a folder, under a name that none has there: "stem-2.csv" if need be.

    :returns: where it is.
    :raises OutputNotWritten: as :func:`write_file`.
    """
    added, number = directory / f"{stem}{suffix}", 1

    def claim(part: Path) -> None:
        nonlocal added, number
        while True:
            try:
                # Unlike a rename, a link never replaces what someone else put there meanwhile.
                added.hardlink_to(part)
                break
            except FileExistsError:
                number += 1
                added = directory / f"{stem}-{number}{suffix}"
        part.unlink()

    _written(added, chunks, claim)
    return added


@contextmanager
def told_as_unwritten(path: Path | str) -> Generator[None]:
    """Turn what the file system says into ``OutputNotWritten``.

    :param path: what could not be written, for the message.
    """
    try:
        yield
    except (OSError, ValueError) as failure:
        problem = getattr(failure, "strerror", None) or str(failure)
        raise OutputNotWritten(str(path), problem) from failure


_part_number: Final = count()


def _written(target: Path, chunks: Iterable[bytes], move: Callable[[Path], object]) -> int:
    size = 0
    with told_as_unwritten(target):
        part, file = _opened_beside(target)
    try:
        with file:
            # Getting a chunk may fail too; that is not the file's failure, and passes as it is.
            for chunk in chunks:
                with told_as_unwritten(target):
                    _write_all(file, chunk)
                size += len(chunk)
            with told_as_unwritten(target):
                os.fsync(file.fileno())
        with told_as_unwritten(target):
            move(part)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise
    return size


def _opened_beside(target: Path) -> tuple[Path, FileIO]:
    # Unbuffered: a full disk is told at once, and not again when the file is closed.
    while True:
        part = target.with_name(f".{os.getpid()}-{next(_part_number)}.part")
        with suppress(FileExistsError):
            return part, part.open("xb", buffering=0)


def _write_all(file: FileIO, chunk: bytes) -> None:
    rest = memoryview(chunk)
    while rest:
        rest = rest[file.write(rest) :]
