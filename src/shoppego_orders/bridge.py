"""Between threads and an event loop: services run in threads, their async ports on the loop.

A service runs in a thread, by :func:`in_thread`. What it calls is a view of the async port, made
by :func:`~shoppego_orders.async_views.blocking`: each call is handed to the event loop that the
port lives on, and waited for. The loop goes on meanwhile, with the port's call, other services
and all else that it has to do.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import inspect
import threading
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Iterable,
    Iterator,
)
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from itertools import islice
from typing import Any, Final, Generic, ParamSpec, TypeVar

import attrs

from shoppego_orders.errors import PortUnreachable

P = ParamSpec("P")
T = TypeVar("T")
Loop = asyncio.AbstractEventLoop
Called = concurrent.futures.Future


async def in_thread(service: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a service in a thread of its own, and wait for what it returns or raises.

    ``await in_thread(sweep, blocking(store), policy, now)``. Context variables are those of the
    caller, in the service and in the calls of its ports.

    Who is cancelled meanwhile still waits until the service has ended. It ends at its next call of
    an async order store, as if its worker had died there. A call that has begun is finished, and
    so is what a service does between two such calls, a reminder that is claimed, sent and settled
    for one: nothing is left half done. One that calls no such store is not ended.

    Not :func:`asyncio.to_thread`: of its threads there are few, and services that wait in all of
    them would keep a port from getting one.

    :returns: what the service returns. A stream is then read by :func:`stream_in_thread`.
    :raises asyncio.CancelledError: if the caller was cancelled, whatever the service returned.
    """
    ended = asyncio.Event()
    work = partial(copy_context().run, partial(service, *args, **kwargs))
    worker = _Worker(work, asyncio.get_running_loop(), ended)
    worker.start()
    cancelled: asyncio.CancelledError | None = None
    while worker.closing or not ended.is_set():
        try:
            await ended.wait()
            if worker.closing:
                await asyncio.wait(worker.closing)
        except asyncio.CancelledError as error:
            cancelled, worker.cancelled = error, True
    try:
        if cancelled is not None:
            raise cancelled from worker.outcome.exception()
        return worker.outcome.result()
    finally:
        # An error's traceback holds this frame, which would hold the error.
        del worker, cancelled


async def stream_in_thread(stream: Iterable[T]) -> AsyncGenerator[T]:
    """Read a stream of the services, such as a CSV file's bytes, in threads.

    ``async for chunk in stream_in_thread(export_csv(blocking(store), request))``. It is read no
    faster than it is taken, and closed when this is.
    """
    items = iter(stream)
    try:
        while some := await in_thread(lambda: list(islice(items, 1))):
            yield some[0]
    finally:
        close: Callable[[], object] | None = getattr(items, "close", None)
        if close is not None:
            await in_thread(close)


# From a thread to the loop, and back

_PATIENCE: Final = 1.0
"""After so many seconds of waiting it is looked whether the loop still runs."""

_ELSEWHERE: Final[set[asyncio.Task[None]]] = set()
"""Streams that are being closed, and for which nobody waits: a loop keeps no task."""


@attrs.frozen
class Line:
    """What joins a view to its port.

    :ivar ends_cancelled: whether a service whose caller was cancelled ends at these calls.
    """

    loop: Loop
    ends_cancelled: bool = False

    def call(self, method: Callable[P, Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a method on the loop, and wait for what it returns or raises."""
        return self._waited(_name(method), partial(method, *args, **kwargs))

    def stream(
        self,
        most: int,
        method: Callable[P, AsyncIterator[T]],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Iterator[T]:
        """Read a stream: the first item alone, then twice as many at once, up to ``most``."""
        source = _Source(partial(method, *args, **kwargs))
        some = 1
        try:
            while True:
                items, end = self._waited(_name(method), partial(source.read, some))
                yield from items
                if end is not None:
                    source.stream = None
                    if isinstance(end, StopAsyncIteration):
                        return
                    raise end
                some = min(2 * some, most)
        finally:
            self._close(source.stream)

    def _waited(self, name: str, call: Callable[[], Awaitable[T]]) -> T:
        thread = threading.current_thread()
        if self.ends_cancelled and isinstance(thread, _Worker) and thread.cancelled:
            raise asyncio.CancelledError
        if _is_of_a_loop():
            problem = "this is an event loop's own thread, which it would stop; use in_thread()"
            raise PortUnreachable(name, problem)
        return self._outcome(name, call).result()

    def _outcome(self, name: str, call: Callable[[], Awaitable[T]]) -> Called[T]:
        coroutine = _outcome_of(call)
        try:
            called = self._begun(name, coroutine)
            while not _has_ended(called):
                if not self.loop.is_running():
                    called.cancel()
                    raise PortUnreachable(name, "its event loop stands still")
            return called.result()
        finally:
            # One that the loop never began.
            if inspect.getcoroutinestate(coroutine) == inspect.CORO_CREATED:
                coroutine.close()

    # Any: what a coroutine is sent, and yields, is asyncio's
    def _begun(self, name: str, coroutine: Coroutine[Any, Any, T]) -> Called[T]:
        try:
            return asyncio.run_coroutine_threadsafe(coroutine, self.loop)
        except RuntimeError as error:
            raise PortUnreachable(name, "its event loop is closed") from error

    def _close(self, stream: AsyncIterator[Any] | None) -> None:  # Any: nothing of it is read
        """Close a stream that was left, without waiting: a garbage collector must not."""
        aclose: Callable[[], Awaitable[object]] | None = getattr(stream, "aclose", None)
        if aclose is None:
            return
        thread = threading.current_thread()
        closing = _ELSEWHERE
        if isinstance(thread, _Worker) and thread.loop is self.loop:
            closing = thread.closing

        def begin() -> None:
            task = self.loop.create_task(_closed(aclose, self.loop))
            closing.add(task)
            task.add_done_callback(closing.discard)

        with suppress(RuntimeError):  # a loop that is closed has closed its streams
            self.loop.call_soon_threadsafe(begin)


class _Source(Generic[T]):
    """A port's stream, as it is read on the loop."""

    def __init__(self, begin: Callable[[], AsyncIterator[T]]) -> None:
        self._begin = begin
        self.stream: AsyncIterator[T] | None = None

    async def read(self, most: int) -> tuple[list[T], Exception | None]:
        """Read some items; and what ended the stream, once it has ended."""
        items: list[T] = []
        try:
            if self.stream is None:
                self.stream = self._begin()
            async for item in self.stream:
                items.append(item)
                if len(items) == most:
                    return items, None
        except Exception as error:  # raised in its turn, after the items before it
            return items, error
        return items, StopAsyncIteration()


class _Worker(threading.Thread, Generic[T]):
    """A thread for one service.

    :ivar loop: where somebody waits for it.
    :ivar cancelled: whether who waits for it was cancelled.
    :ivar closing: the streams that it has left, while they are being closed.
    """

    def __init__(self, work: Callable[[], T], loop: Loop, ended: asyncio.Event) -> None:
        super().__init__()
        self._work, self._ended = work, ended
        self.loop = loop
        self.outcome = Called[T]()
        self.cancelled = False
        self.closing = set[asyncio.Task[None]]()

    def run(self) -> None:
        try:
            self.outcome.set_result(self._work())
        except BaseException as error:  # whatever it is, it is the caller's
            self.outcome.set_exception(error)
        del self._work
        with suppress(RuntimeError):  # the loop is closed: nobody waits
            self.loop.call_soon_threadsafe(self._ended.set)


async def _outcome_of(call: Callable[[], Awaitable[T]]) -> Called[T]:
    """What came of a call, in a box of its own: asyncio would exchange some errors for others."""
    outcome = Called[T]()
    try:
        outcome.set_result(await call())
    except Exception as error:
        outcome.set_exception(error)
    try:
        return outcome
    finally:
        del outcome  # an error's traceback holds this frame, which would hold the error


async def _closed(aclose: Callable[[], Awaitable[object]], loop: Loop) -> None:
    try:
        await aclose()
    except Exception as error:  # there is nobody to tell but the loop
        loop.call_exception_handler(
            {"message": "a stream that was left could not be closed", "exception": error}
        )


def _name(method: Callable[..., object]) -> str:
    name: str = getattr(method, "__qualname__", repr(method))
    return name


def _is_of_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _has_ended(called: Called[Any]) -> bool:  # Any: nothing of it is read
    """Wait for a while; tell whether a call has ended."""
    try:
        called.exception(_PATIENCE)
    except TimeoutError:
        return False
    except concurrent.futures.CancelledError:
        # By its loop, which ends. Not an Exception: nobody takes it for the port's.
        raise asyncio.CancelledError from None
    return True
