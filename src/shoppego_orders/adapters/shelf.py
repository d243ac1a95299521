"""A folder for exports that are too large to attach."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote, unquote

import attrs

from shoppego_orders.errors import FileNotRemoved, InvalidValue, OutputNotWritten
from shoppego_orders.export.files import add_file


@attrs.frozen
class DirectoryShelf:
    """A :class:`~shoppego_orders.ports.FileShelf` over a folder that a web server may serve.

    :ivar directory: made on first use.
    :ivar url: where the folder is served; ``file:`` addresses where it is empty.
    """

    directory: Path = attrs.field(converter=Path)
    url: str = ""

    def put(self, name: str, chunks: Iterable[bytes]) -> str:
        """Keep a file, whole or not at all, under its name, or that name with a number.

        :returns: its address.
        :raises InvalidValue: for a name with folders in it.
        :raises OutputNotWritten: if it can't be kept.
        """
        if not _is_file_name(name):
            raise InvalidValue("name", name, "a file's name without folders")
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
        except OSError as failure:
            raise OutputNotWritten(str(self.directory), str(failure)) from failure
        kept = add_file(self.directory, Path(name).stem, Path(name).suffix, chunks)
        return f"{self._base}{quote(kept.name)}"

    def remove(self, url: str) -> None:
        """Remove a file; repeating it changes nothing.

        :raises InvalidValue: for an address of anything but a file of this folder.
        :raises FileNotRemoved: if it is still there.
        """
        name = unquote(url.removeprefix(self._base))
        if not url.startswith(self._base) or not _is_file_name(name):
            raise InvalidValue("url", url, f"an address that begins with {self._base}")
        try:
            (self.directory / name).unlink(missing_ok=True)
        except OSError as failure:
            raise FileNotRemoved(url, failure.strerror or str(failure)) from failure

    @property
    def _base(self) -> str:
        return f"{(self.url or self.directory.resolve().as_uri()).removesuffix('/')}/"


def _is_file_name(name: str) -> bool:
    return name not in {"", ".", ".."} and not set(name) & set("/\\\x00")
