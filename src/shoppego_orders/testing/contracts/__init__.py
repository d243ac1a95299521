"""What a port promises, as tests that a host runs on its own adapter.

Subclass a contract in a test module of yours, and give it a fixture::

    class TestMyStore(OrderStoreContract):
        @pytest.fixture
        def store(self) -> Iterator[OrderStore]:
            with MyStore.empty() as store:
                yield store

Every test gets an adapter of its own, empty at first. What an adapter does not claim to do is
told by a flag of the class; all of them are listed in its docstring.
"""

from __future__ import annotations

from importlib.util import find_spec

from shoppego_orders.errors import MissingExtra

for _package in ("pytest", "hypothesis"):
    if find_spec(_package) is None:
        raise MissingExtra(_package, "testing")

import pytest

# So that a contract that fails shows the values that it compared, in a host's own tests too.
_PARTS = (
    "deciding",
    "erasure",
    "expected",
    "exports",
    "generated",
    "mail",
    "reading",
    "saving",
    "shelves",
    "tasks",
)
pytest.register_assert_rewrite(*(f"{__name__}.{part}" for part in _PARTS))

from shoppego_orders.testing.contracts.erasure import ErasingStoreContract, ErasingTaskLogContract
from shoppego_orders.testing.contracts.expected import Expected
from shoppego_orders.testing.contracts.exports import ExportLogContract
from shoppego_orders.testing.contracts.mail import MailerContract
from shoppego_orders.testing.contracts.racing import SharedContract, kind_of, raced
from shoppego_orders.testing.contracts.shelves import FileShelfContract
from shoppego_orders.testing.contracts.stores import OrderStoreContract
from shoppego_orders.testing.contracts.tasks import TaskLogContract

__all__ = [
    "ErasingStoreContract",
    "ErasingTaskLogContract",
    "Expected",
    "ExportLogContract",
    "FileShelfContract",
    "MailerContract",
    "OrderStoreContract",
    "SharedContract",
    "TaskLogContract",
    "kind_of",
    "raced",
]
