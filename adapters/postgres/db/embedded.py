"""An embedded PostgreSQL from a wheel, in the data folder, shared by all processes that use it.

Every process that uses the database holds a shared lock on `postgres.users`; the kernel lets go of
it even when the process is killed, so "the last one stops the database" needs no list of names. The
server runs in a session of its own: killing the service does not stop the database, and the next
start joins it, or recovers it when it died too. A process that uses it restarts it when it dies.
"""

import fcntl
import hashlib
import logging
import os
import pwd
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final
from urllib.parse import quote

import psutil

from adapters.postgres.db import programs
from adapters.postgres.db.programs import DatabaseUnavailable
from adapters.postgres.db.server import NAME, ServerProcess, is_running, recorded_pid
from adapters.postgres.db.urls import for_sqlalchemy
from adapters.settings import MAX_CONNECTIONS

UNPRIVILEGED: Final = ("postgres", "nobody")
MAX_SOCKET_PATH: Final = 100
MAX_STARTS: Final = 20
RETRY_DELAY_SECONDS: Final = 0.5
RECOVERY_TIMEOUT_SECONDS: Final = 600
STOP_TIMEOUT_SECONDS: Final = 60
POLL_INTERVAL_SECONDS: Final = 1.0

SETTINGS: Final[Mapping[str, str]] = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "fsync": "on",
    "synchronous_commit": "on",
    "timezone": "UTC",
    "max_connections": str(MAX_CONNECTIONS),
    # Values of columns are personal data: they stay out of the log.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_checkpoints": "off",
}

log = logging.getLogger("hylla.database")


class EmbeddedPostgres:
    """The database of one data folder, for as long as this process uses it."""

    def __init__(self, data: Path, settings: Mapping[str, str] | None = None) -> None:
        """Takes `settings`, which override SETTINGS, where this process starts the server."""
        self._data = data.absolute()
        self._home = self._data / "postgres"
        self._cluster = self._home / "cluster"
        self._settings = {**SETTINGS, **(settings or {})}
        self._users: int | None = None

    def start(self) -> str:
        """Join the running server, or start it; its address, as SQLAlchemy reads it."""
        self._prepare()
        with self._one_at_a_time():
            self._users = os.open(self._data / "postgres.users", os.O_RDONLY | os.O_CREAT, 0o600)
            fcntl.flock(self._users, fcntl.LOCK_SH)
            if not self._answers():
                self._bring_up()
        return self.url

    def mend(self) -> None:
        """Start the server again if it died although we use it."""
        if self._postmaster():
            return
        with self._one_at_a_time():
            if self._users is None or self._answers():
                return
            log.warning("PostgreSQL died and is restarted")
            self._bring_up()
        log.warning("PostgreSQL is up again")

    def stop(self) -> None:
        """Use it no longer; the last one to leave stops it."""
        if self._users is None:
            return
        with self._one_at_a_time():
            users, self._users = self._users, None
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return  # another process still uses it
            finally:
                os.close(users)
            self._shut_down()

    @property
    def url(self) -> str:
        return for_sqlalchemy(f"postgresql://{NAME}@/{NAME}?host={quote(str(self._sockets))}")

    @property
    def _sockets(self) -> Path:
        """Returns the socket folder: that of the database, unless its path is too long."""
        if len(os.fsencode(self._home / ".s.PGSQL.5432")) <= MAX_SOCKET_PATH:
            return self._home
        return Path("/tmp") / f"hylla-{hashlib.sha256(os.fsencode(self._data)).hexdigest()[:16]}"  # noqa: S108 - owned and checked below

    def _prepare(self) -> None:
        try:
            self._data.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._own(self._home)
            self._own(self._sockets)
        except OSError as error:
            raise DatabaseUnavailable(f"The data folder cannot be used: {error}.") from error

    def _own(self, folder: Path) -> None:
        """Make `folder` if need be; only the database's user may look into it."""
        folder.mkdir(mode=0o700, exist_ok=True)
        if (user := self._user()) and folder.stat().st_uid == 0:
            os.chown(folder, user.pw_uid, user.pw_gid)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != (
            user.pw_uid if user else os.getuid()
        ):
            raise DatabaseUnavailable(f"{folder} belongs to somebody else.")

    def _user(self) -> pwd.struct_passwd | None:
        """Returns the user of the server: None for our own, an unprivileged one for root."""
        if os.geteuid() != 0:
            return None
        if self._home.exists() and (owner := self._home.stat().st_uid):
            return pwd.getpwuid(owner)
        for name in UNPRIVILEGED:
            with suppress(KeyError):
                return pwd.getpwnam(name)
        raise DatabaseUnavailable(
            f"PostgreSQL does not run as root, and there is no user {' or '.join(UNPRIVILEGED)}."
        )

    @contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        """Starting and stopping take turns, in all processes."""
        lock = os.open(self._data / "postgres.lock", os.O_RDONLY | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            fcntl.flock(lock, fcntl.LOCK_UN)  # also where a fork holds on to the descriptor
            os.close(lock)

    def _answers(self) -> bool:
        """Whether the server takes connections; asked, since a process number proves nothing."""
        asked = [str(programs.found() / "pg_isready"), "--quiet", "--host", str(self._sockets)]
        return subprocess.run(asked, check=False).returncode == 0  # noqa: S603 - our own program

    def _bring_up(self) -> None:
        """Start, and again for a while: a dead server's last children take a moment to let go."""
        elsewhere = self._sockets if self._sockets != self._home else None
        with self._as_database() as database:
            if not self._cluster.exists():
                database.create(self._cluster)
            for _ in range(MAX_STARTS):
                running = self._postmaster()
                pid = running.pid if running else database.launch(elsewhere, self._settings)
                if self._comes_up(pid):
                    return
                time.sleep(RETRY_DELAY_SECONDS)
        raise DatabaseUnavailable(f"PostgreSQL does not start: {self._last_words()}")

    def _comes_up(self, pid: int) -> bool:
        deadline = time.monotonic() + RECOVERY_TIMEOUT_SECONDS
        while is_running(pid) and time.monotonic() < deadline:
            if self._answers():
                return True
            time.sleep(0.02)
        return False

    def _shut_down(self) -> None:
        """Ends sessions and stops cleanly, like `pg_ctl stop -m fast`, which root cannot run."""
        if postmaster := self._postmaster():
            postmaster.send_signal(signal.SIGINT)
            postmaster.wait(STOP_TIMEOUT_SECONDS)
        if self._sockets != self._home:
            with suppress(OSError):  # not empty: a server that was killed left its socket behind
                self._sockets.rmdir()

    def _postmaster(self) -> psutil.Process | None:
        """Returns the process of the server in this folder, and ignores a stale lock file."""
        with suppress(OSError, ValueError, psutil.Error):
            process = psutil.Process(recorded_pid(self._cluster))
            if is_running(process.pid) and Path(process.cwd()).samefile(self._cluster):
                return process
        return None

    def _last_words(self) -> str:
        log = self._home / "log"
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        fatal = [line for line in lines if "FATAL" in line or "PANIC" in line]
        return f"{fatal[-1] if fatal else 'it said nothing'} ({log})"

    @contextmanager
    def _as_database(self) -> Iterator[ServerProcess]:
        """Provides the programs of PostgreSQL, run by the user who owns the folder.

        Root hands the folder over as an open descriptor, so that the database reaches its own
        folder even below one that only root may enter (`/root`, say), and no parent's rights are
        touched.
        """
        user = self._user()
        if user is None or sys.platform != "linux":
            yield ServerProcess(programs.found(), self._home, user)
            return
        folder = os.open(self._home, os.O_RDONLY | os.O_DIRECTORY)
        try:
            yield ServerProcess(
                programs.within_reach(user), Path(f"/proc/self/fd/{folder}"), user, folder
            )
        finally:
            os.close(folder)


@contextmanager
def running(data: Path, settings: Mapping[str, str] | None = None) -> Iterator[str]:
    """Provides the URL of the database in `data`, which runs at least until the block ends.

    A server that dies meanwhile is restarted: its users get an error to retry, and no operator
    has to act.
    """
    postgres, over = EmbeddedPostgres(data, settings), threading.Event()
    try:
        address = postgres.start()
        threading.Thread(target=_supervise, args=(postgres, over), daemon=True).start()
        yield address
    finally:
        over.set()
        postgres.stop()


def _supervise(postgres: EmbeddedPostgres, over: threading.Event) -> None:
    while not over.wait(POLL_INTERVAL_SECONDS):
        try:
            postgres.mend()
        except (DatabaseUnavailable, OSError) as trouble:
            log.warning("PostgreSQL cannot be restarted: %s", trouble)
