"""What an order store promises, as tests that a host runs on its own."""

from __future__ import annotations

from shoppego_orders.testing.contracts.deciding import DecidingContract
from shoppego_orders.testing.contracts.generated import GeneratedContract
from shoppego_orders.testing.contracts.reading import ReadingContract
from shoppego_orders.testing.contracts.saving import SavingContract


class OrderStoreContract(SavingContract, DecidingContract, ReadingContract, GeneratedContract):
    """What :class:`~shoppego_orders.ports.OrderStore` promises. Give it a ``store`` fixture.

    What a store may offer besides (``columns``, ``count_up_to``, ``save_many``) is tested where it
    has the method.

    :cvar shared_by_threads: several threads may use one store at once; else those tests are
        skipped.
    """
