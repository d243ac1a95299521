"""An event loop beside the tests, so that the contracts can be run on async adapters."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Generator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Final

_PATIENCE: Final = 10.0
"""Seconds after which whatever has not ended is cancelled."""


@contextmanager
def loop_in_thread() -> Generator[asyncio.AbstractEventLoop]:
    """Run an event loop in another thread; the test's own is free to wait for it.

    An async adapter keeps every promise of a contract, if its view does::

        class TestMyStore(OrderStoreContract):
            @pytest.fixture
            def store(self) -> Iterator[OrderStore]:
                with loop_in_thread() as loop:
                    opened = asyncio.run_coroutine_threadsafe(MyStore.open(), loop).result()
                    yield blocking(opened, loop)
                    asyncio.run_coroutine_threadsafe(opened.close(), loop).result()
    """
    begun: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def run() -> None:
        left = asyncio.Event()
        begun.set_result((asyncio.get_running_loop(), left))
        await left.wait()
        # What is under way ends first, such as the closing of streams that were left: cancelled,
        # it would leave a driver's thread that answers to a loop that is closed.
        under_way = asyncio.all_tasks() - {asyncio.current_task()}
        if under_way:
            await asyncio.wait(under_way, timeout=_PATIENCE)

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    loop, left = begun.result()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(left.set)
        thread.join()
