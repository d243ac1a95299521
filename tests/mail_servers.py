"""Mail servers to send to: one that keeps what it takes, and one that reads its answers off."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import Any, Final

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

_REFUSALS: Final = {
    "refused": "550 no such customer",
    "later": "450 come again",
    "closing": "421 we close",
}


class Inbox:
    """What a server was given; it refuses the addresses that say so.

    :ivar answer: to each message; "cut" for none and a broken connection, "silence" for none.
    """

    def __init__(self, answer: str = "250 OK") -> None:
        self.envelopes: list[Envelope] = []
        self.answer = answer

    async def handle_RCPT(  # noqa: N802  # aiosmtpd's own name
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        refusal = _REFUSALS.get(address.partition(".")[0].partition("@")[0])
        if refusal is not None:
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802  # aiosmtpd's own name
        self, server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        self.envelopes.append(envelope)
        if self.answer == "cut":
            assert isinstance(server.transport, asyncio.WriteTransport)
            server.transport.abort()
        if self.answer == "silence":
            await asyncio.Event().wait()
        return self.answer


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@contextmanager
def serving(inbox: Inbox, **options: Any) -> Generator[int]:  # Any: aiosmtpd's options
    controller = Controller(
        inbox, hostname="127.0.0.1", port=free_port(), enable_SMTPUTF8=True, **options
    )
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


@contextmanager
def answering(*answers: str) -> Generator[int]:
    """A server that gives these answers to whatever it is told, and hangs up."""

    def answer(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection, connection.makefile("rb") as told, suppress(OSError):
            before = ""
            for line in answers:
                if before.startswith("354"):
                    while told.readline() != b".\r\n":
                        pass
                elif before:
                    told.readline()
                before = line
                connection.sendall(line.encode() + b"\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(20.0)
        thread = threading.Thread(target=answer, args=(listening,))
        thread.start()
        yield listening.getsockname()[1]
        thread.join()
