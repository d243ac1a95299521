"""Whether a SQLite file has all of its pages.

SQLite itself looks at the length of a file that has no write-ahead log beside it, and then only at
whole pages. What is missing otherwise it reads as zeros.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

_LOCK_BYTE: Final = 2**30
"""The page that holds it is never written."""
_LOG_HEADER: Final = struct.Struct(">16x8s8x")
_FRAME_HEADER: Final = struct.Struct(">I4x8s8x")


def first_missing_page(connection: Connection) -> int | None:
    """The first page that is neither in the file nor in the log; None where none is missing.

    :param connection: in a transaction, so that the log is not begun anew meanwhile.
    """
    size: int = connection.exec_driver_sql("PRAGMA page_size").scalar_one()
    pages: int = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    # By the name that SQLite made of a path or a URI; others may be attached.
    path: str = connection.exec_driver_sql("PRAGMA database_list").all()[0].file
    # Never opened: closing it would end the locks of all other connections of this process.
    whole = Path(path).stat().st_size // size
    missing = set(range(whole + 1, pages + 1)) - {_LOCK_BYTE // size + 1}
    if missing:
        missing -= _logged_pages(Path(f"{path}-wal"), size)
    return min(missing, default=None)


def _logged_pages(log: Path, page_size: int) -> set[int]:
    """The pages in a log; what is left of an older log has another salt."""
    pages: set[int] = set()
    try:
        with log.open("rb") as opened:
            header = opened.read(_LOG_HEADER.size)
            if len(header) == _LOG_HEADER.size:
                (salt,) = _LOG_HEADER.unpack(header)
                while len(head := opened.read(_FRAME_HEADER.size)) == _FRAME_HEADER.size:
                    page, frame_salt = _FRAME_HEADER.unpack(head)
                    if frame_salt != salt:
                        break
                    pages.add(page)
                    opened.seek(page_size, 1)
    except FileNotFoundError:
        pass
    return pages
