"""What stands between a client and a database server: it holds back what they say, or hangs up."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from functools import partial


class TcpProxy:
    """Passes on what both sides say, until it is told otherwise.

    :ivar port: where it listens, on this machine.
    """

    def __init__(self, server: tuple[str, int]) -> None:
        self._server = server
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._flows = threading.Event()
        self._flows.set()
        self._word_before: bytes | None = None
        self._word_after: bytes | None = None
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._begin(self._listen)

    def hold(self) -> None:
        """Stay connected, and pass nothing on."""
        self._flows.clear()

    def release(self) -> None:
        """Pass on what was held back, and what comes."""
        self._flows.set()

    def hang_up_before(self, word: bytes) -> None:
        """Hang up, once, instead of telling the server a word."""
        self._word_before = word

    def hang_up_after(self, word: bytes) -> None:
        """Tell the server a word, wait for its answer, and hang up instead of passing it on."""
        self._word_after = word

    def hang_up(self) -> None:
        """End all connections; new ones are taken."""
        while self._open:
            _end(self._open.pop())

    def close(self) -> None:
        self.release()
        _end(self._listener)
        self.hang_up()
        for thread in self._threads:
            thread.join()

    def _begin(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work)
        self._threads.append(thread)
        thread.start()

    def _listen(self) -> None:
        with suppress(OSError):  # the listener was closed
            while True:
                client, _ = self._listener.accept()
                try:
                    server = socket.create_connection(self._server)
                except OSError:  # it is away
                    _end(client)
                    continue
                self._open += [client, server]
                answered = threading.Event()
                self._begin(partial(self._tell, client, server, answered))
                self._begin(partial(self._answer, client, server, answered))

    def _tell(self, client: socket.socket, server: socket.socket, last: threading.Event) -> None:
        for said in _heard(client):
            self._flows.wait()
            if self._word_before is not None and self._word_before in said:
                self._word_before = None
                break
            if self._word_after is not None and self._word_after in said:
                self._word_after = None
                last.set()
            with suppress(OSError):
                server.sendall(said)
        _end(client)
        _end(server)

    def _answer(self, client: socket.socket, server: socket.socket, last: threading.Event) -> None:
        for said in _heard(server):
            self._flows.wait()
            if last.is_set():
                break
            with suppress(OSError):
                client.sendall(said)
        _end(client)
        _end(server)


@contextmanager
def proxy_before(host: str, port: int) -> Generator[TcpProxy]:
    """Stand before a server."""
    proxy = TcpProxy((host, port))
    try:
        yield proxy
    finally:
        proxy.close()


def _heard(side: socket.socket) -> Iterator[bytes]:
    with suppress(OSError):
        while said := side.recv(65536):
            yield said


def _end(side: socket.socket) -> None:
    with suppress(OSError):
        side.shutdown(socket.SHUT_RDWR)
    side.close()
