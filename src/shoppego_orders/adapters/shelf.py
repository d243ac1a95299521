"""A folder for exports that are too large to attach."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

import attrs

from shoppego_orders.errors import InvalidValue, OutputNotWritten
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
        wanted = Path(name)
        if name in {"", ".."} or wanted.name != name or "\\" in name:
            raise InvalidValue("name", name, "a file's name without folders")
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
        except OSError as failure:
            raise OutputNotWritten(str(self.directory), str(failure)) from failure
        kept = add_file(self.directory, wanted.stem, wanted.suffix, chunks)
        if not self.url:
            return kept.resolve().as_uri()
        return f"{self.url.removesuffix('/')}/{quote(kept.name)}"
