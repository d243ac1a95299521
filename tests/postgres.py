"""A PostgreSQL server for tests: the one that ``SHOPPEGO_TEST_POSTGRES`` names, or a private one.

``python tests/postgres.py COMMAND ...`` runs a command beside a private server that all of its
processes share, and stops it at the end; where there can be none, it just runs the command.
``--durable`` before the command runs it as it is installed, which waits for the disk.
``python tests/postgres.py --installed`` tells by its exit code whether there can be one.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlalchemy import Engine

VARIABLE = "SHOPPEGO_TEST_POSTGRES"
USER = "postgres"
# Nothing here outlives the tests, so nothing is waited for.
SETTINGS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200")


def missing() -> str | None:
    """Why there can be no private server; None where there can."""
    if binaries() is None:
        return f"no PostgreSQL: {VARIABLE} is not set, and initdb and postgres are not installed"
    if os.name != "posix" or (os.geteuid() == 0 and not _account()):
        return f"no PostgreSQL: it does not run as root, and there is no user {USER}"
    return None


def binaries() -> Path | None:
    """The folder with the server's programs; Debian keeps them off the PATH."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((each for each in folders if (each / "postgres").exists()), None)


class Server:
    """A private server, on a port of its own of this machine.

    It may be stopped or killed, and started again at the same place.

    :ivar folder: whose all is the server's.
    :ivar url: of its first database.
    """

    def __init__(self, programs: Path, folder: Path, settings: Sequence[str]) -> None:
        self._programs = programs
        self.folder = folder
        self._data = ["-D", str(folder / "data")]
        self._lock = folder / "data" / "postmaster.pid"
        self.port = _free_port()
        given = "".join(f" -c {each}" for each in settings)
        self._options = f"-h 127.0.0.1 -p {self.port} -k ''{given}"
        password = secrets.token_hex(16)
        self.url = f"postgresql://{USER}:{password}@127.0.0.1:{self.port}/postgres"
        (folder / "password").write_text(password, "utf-8")
        for path in (folder, folder / "password"):
            self.give(path)
        secret = ["--auth=password", f"--pwfile={folder / 'password'}"]
        plain = ["--encoding=UTF8", "--locale=C", "--no-sync"]
        self._run("initdb", *self._data, f"--username={USER}", *secret, *plain)

    def start(self) -> None:
        """Start it; after a crash it first reads its log again."""
        log = str(self.folder / "log")
        for tries_left in reversed(range(50)):
            try:
                self._run("pg_ctl", "start", *self._data, "-w", "-l", log, "-o", self._options)
            except AssertionError:
                # Some that a killed one left have not noticed yet, and it waits for them.
                if not tries_left:
                    raise
            else:
                return

    def stop(self) -> None:
        """Stop it at once, where it runs: clients are hung up on, and nothing is tidied."""
        if self._lock.exists():
            self._run("pg_ctl", "stop", *self._data, "-w", "-m", "immediate")

    def kill(self) -> None:
        """Kill its first process with SIGKILL; the others end when they notice."""
        os.kill(int(self._lock.read_text("utf-8").split()[0]), signal.SIGKILL)

    def give(self, path: Path) -> None:
        """Let a file or folder be the server's own."""
        if os.geteuid() == 0:
            shutil.chown(path, USER, USER)

    def _run(self, program: str, *arguments: str) -> None:
        """Run a program of the server's, as the user that it may run as."""
        # To a file: the server keeps what it inherits open, and a pipe would never end.
        own: dict[str, Any] = {}
        if os.geteuid() == 0:
            own = {"user": USER, "group": USER, "extra_groups": ()}
        command = [str(self._programs / program), *arguments]
        with (self.folder / "said").open("w+", encoding="utf-8") as said:
            failed = subprocess.call(
                command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=said, stderr=said, **own
            )
            said.seek(0)
            assert not failed, said.read()


@contextmanager
def server(settings: Sequence[str] = SETTINGS) -> Generator[Server]:
    """Run a private server, and stop it at the end.

    :param settings: of its own; without any it is as it is installed.
    """
    programs = binaries()
    assert programs is not None
    folder = Path(tempfile.mkdtemp(prefix="shoppego-postgres-"))
    try:
        private = Server(programs, folder, settings)
        try:
            private.start()
            yield private
        finally:
            private.stop()
    finally:
        shutil.rmtree(folder)


@contextmanager
def database(server_url: str) -> Generator[Callable[[], str]]:
    """Make a database of our own, and yield what makes a schema in it and returns its URL.

    Its texts sort as people expect it, so that whatever must sort by code point has to say so.
    """
    from sqlalchemy import create_engine, make_url
    from sqlalchemy.pool import NullPool

    url = make_url(server_url).set(drivername="postgresql+psycopg")
    name = f"shoppego_test_{secrets.token_hex(8)}"
    numbers = count()
    host = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    ours = create_engine(url.set(database=name), isolation_level="AUTOCOMMIT")
    _execute(host, f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' {_locale(host)}")
    try:

        def new() -> str:
            schema = f"shop_{next(numbers)}"
            _execute(ours, f"CREATE SCHEMA {schema}")
            own = ours.url.update_query_dict({"options": f"-csearch_path={schema}"})
            return own.render_as_string(hide_password=False)

        yield new
    finally:
        ours.dispose()
        _execute(host, f"DROP DATABASE {name} WITH (FORCE)")


def _locale(host: Engine) -> str:
    with host.connect() as connection:
        version: Any = connection.exec_driver_sql("SHOW server_version_num").scalar()
        icu = "SELECT count(*) FROM pg_collation WHERE collprovider = 'i'"
        if int(version) >= 150_000 and connection.exec_driver_sql(icu).scalar():
            return "LOCALE 'C' LOCALE_PROVIDER icu ICU_LOCALE 'en'"
    return ""


def _execute(engine: Engine, statement: str) -> None:
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)


def _account() -> bool:
    import pwd

    return any(each.pw_name == USER for each in pwd.getpwall())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def main(command: Sequence[str]) -> int:
    problem = missing()
    if command == ["--installed"]:
        return 0 if problem is None else 1
    durable = command[:1] == ["--durable"]
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    with ExitStack() as ending:
        if VARIABLE not in os.environ and problem is None:
            settings = () if durable else SETTINGS
            os.environ[VARIABLE] = ending.enter_context(server(settings)).url
        with subprocess.Popen(command[durable:]) as running:
            try:
                return running.wait()
            except SystemExit:
                running.terminate()
                raise


def _leave(number: int, _: object) -> None:
    """End as at the end, so that the server is stopped."""
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
