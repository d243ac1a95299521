"""What a shelf for files promises, as tests that a host runs on its own."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest

from shoppego_orders.errors import InvalidValue, StaleExport
from shoppego_orders.ports import FileShelf
from shoppego_orders.testing.contracts.racing import SharedContract


class FileShelfContract(SharedContract):
    """What :class:`~shoppego_orders.ports.FileShelf` promises. Give it a ``shelf`` fixture.

    :meth:`kept` says how to look at what lies on it, :meth:`files` how much that is.

    :cvar shared_by_threads: several threads may use one shelf at once; else that test is skipped.
    """

    def kept(self, shelf: FileShelf, url: str) -> bytes | None:
        """The file of an address; None for none."""
        raise NotImplementedError

    def files(self, shelf: FileShelf) -> int:
        """How many files lie on the shelf."""
        raise NotImplementedError

    def test_a_file_is_kept_whole(self, shelf: FileShelf) -> None:
        """Its bytes are those that were given, in their order."""
        url = shelf.put("órders 1.csv", iter([b"one,", b"", bytes(range(256)) * 500]))
        assert self.kept(shelf, url) == b"one," + bytes(range(256)) * 500

    def test_files_of_one_name_are_kept_apart(self, shelf: FileShelf) -> None:
        """An address is of one file, for as long as it is there."""
        urls = [shelf.put("orders.csv", [text]) for text in (b"1", b"2", b"3")]
        assert [self.kept(shelf, url) for url in urls] == [b"1", b"2", b"3"]
        shelf.remove(urls[1])
        assert [self.kept(shelf, url) for url in urls] == [b"1", None, b"3"]

    def test_of_several_threads_each_keeps_its_file(self, shelf: FileShelf) -> None:
        """Files of one name that are put at once are kept apart too."""
        texts = [str(number).encode() * 1000 for number in range(6)]
        urls = self._raced([partial(shelf.put, "orders.csv", [text]) for text in texts])
        assert sorted(self.kept(shelf, str(url)) or b"" for url in urls) == sorted(texts)
        assert self.files(shelf) == len(texts)

    def test_a_file_that_fails_midway_is_not_kept(self, shelf: FileShelf) -> None:
        """Not a half of it, and what went wrong is told as it was."""

        def failing() -> Iterator[bytes]:
            yield b"begun"
            raise StaleExport("1", 1, 2)

        with pytest.raises(StaleExport):
            shelf.put("orders.csv", failing())
        assert self.files(shelf) == 0

    def test_a_removed_file_is_gone(self, shelf: FileShelf) -> None:
        """And removing it again changes nothing."""
        url = shelf.put("órders 1.csv", [b"x"])
        shelf.remove(url)
        shelf.remove(url)
        assert self.kept(shelf, url) is None
        assert self.files(shelf) == 0

    def test_an_address_of_something_else_is_refused(self, shelf: FileShelf) -> None:
        """Nothing is removed by an address that the shelf never gave."""
        url = shelf.put("orders.csv", [b"x"])
        for other in ("", "https://evil.example/orders.csv", "/etc/passwd"):
            with pytest.raises(InvalidValue):
                shelf.remove(other)
        for name in ("", "a/b.csv", "/etc/passwd"):
            with pytest.raises(InvalidValue):
                shelf.put(name, [b"x"])
        assert self.kept(shelf, url) == b"x"
