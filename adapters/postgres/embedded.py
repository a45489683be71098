"""A real PostgreSQL out of a wheel, kept in the data folder and shared by all who use that folder.

Every process that uses the database holds a shared lock on `postgres.users`; the kernel lets go of
it even when the process is killed, so "the last one stops the database" needs no list of names. The
server runs in a session of its own: who kills the service leaves the database alone, and the next
start joins it, or recovers it when it died too.
"""

import fcntl
import hashlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import psutil
from sqlalchemy import URL

from adapters.postgres import programs
from adapters.postgres.programs import DatabaseUnavailable

NAME: Final = "hylla"
UNPRIVILEGED: Final = ("postgres", "nobody")
LONGEST_SOCKET: Final = 100
STARTS: Final = 20
PAUSE_S: Final = 0.5
RECOVERY_S: Final = 600
STOP_S: Final = 60

SETTINGS: Final[Mapping[str, str]] = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "fsync": "on",
    "synchronous_commit": "on",
    "timezone": "UTC",
    "max_connections": "200",
    # Values of columns are personal data: they stay out of the log.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_checkpoints": "off",
}


class EmbeddedPostgres:
    """The database of one data folder, for as long as this process uses it."""

    def __init__(self, data: Path, settings: Mapping[str, str] | None = None) -> None:
        """`settings` go before SETTINGS; they count only for whoever starts the server."""
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

    def stop(self) -> None:
        """Use it no longer; the last one to leave stops it."""
        if self._users is None:
            return
        with self._one_at_a_time():
            users, self._users = self._users, None
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return  # somebody else still uses it
            finally:
                os.close(users)
            self._shut_down()

    @property
    def url(self) -> str:
        address = URL.create("postgresql+asyncpg", username=NAME, database=NAME)
        address = address.update_query_dict({"host": str(self._sockets)})
        return address.render_as_string(hide_password=False)

    @property
    def _sockets(self) -> Path:
        """Where the socket lies: in the folder of the database, unless its path is too long."""
        if len(os.fsencode(self._home / ".s.PGSQL.5432")) <= LONGEST_SOCKET:
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
        """Who runs the server: ourselves (None), or for root somebody with fewer rights."""
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
            for _ in range(STARTS):
                running = self._postmaster()
                pid = running.pid if running else database.launch(elsewhere, self._settings)
                if self._comes_up(pid):
                    return
                time.sleep(PAUSE_S)
        raise DatabaseUnavailable(f"PostgreSQL does not start: {self._last_words()}")

    def _comes_up(self, pid: int) -> bool:
        deadline = time.monotonic() + RECOVERY_S
        while _lives(pid) and time.monotonic() < deadline:
            if self._answers():
                return True
            time.sleep(0.02)
        return False

    def _shut_down(self) -> None:
        """End sessions and stop cleanly: what `pg_ctl stop -m fast` does for all but root."""
        if postmaster := self._postmaster():
            postmaster.send_signal(signal.SIGINT)
            postmaster.wait(STOP_S)
        if self._sockets != self._home:
            with suppress(OSError):  # not empty: a server that was killed left its socket behind
                self._sockets.rmdir()

    def _postmaster(self) -> psutil.Process | None:
        """The server that works in this folder, whatever a stale file says."""
        with suppress(OSError, ValueError, psutil.Error):
            process = psutil.Process(_recorded_pid(self._cluster))
            if _lives(process.pid) and Path(process.cwd()).samefile(self._cluster):
                return process
        return None

    def _last_words(self) -> str:
        log = self._home / "log"
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        fatal = [line for line in lines if "FATAL" in line or "PANIC" in line]
        return f"{fatal[-1] if fatal else 'it said nothing'} ({log})"

    @contextmanager
    def _as_database(self) -> Iterator["_Database"]:
        """The programs of PostgreSQL, run by the user who owns the folder.

        Root hands the folder over as an open descriptor, so that the database reaches its own
        folder even below one that only root may enter (`/root`, say), and no parent's rights are
        touched.
        """
        user = self._user()
        if user is None or sys.platform != "linux":
            yield _Database(programs.found(), self._home, user)
            return
        folder = os.open(self._home, os.O_RDONLY | os.O_DIRECTORY)
        try:
            yield _Database(
                programs.within_reach(user), Path(f"/proc/self/fd/{folder}"), user, folder
            )
        finally:
            os.close(folder)


class _Database:
    """PostgreSQL's programs with the rights, the folder and the surroundings they run in."""

    def __init__(
        self, programs: Path, home: Path, user: pwd.struct_passwd | None, folder: int | None = None
    ) -> None:
        self._programs = programs
        self._home = home
        self._user = user
        self._folders = () if folder is None else (folder,)

    def create(self, cluster: Path) -> None:
        """Make the cluster and its database; the folder gets its name only when both are whole."""
        fresh = cluster.with_name("cluster.new")
        shutil.rmtree(fresh, ignore_errors=True)
        there = str(self._home / fresh.name)
        self._run("initdb", *INITDB, "--pgdata", there)
        self._run(
            "postgres", "--single", "-D", there, "template1", says=f"CREATE DATABASE {NAME}\n"
        )
        fresh.rename(cluster)

    def launch(self, sockets: Path | None, settings: Mapping[str, str]) -> int:
        """Start the server in a session of its own and return its process number.

        Its socket lies in `sockets`, or else in its own folder.

        A lock file left by a dead server may name a process that lives and is something else. The
        server takes such a number for a relative of its own, when told so, and goes on.
        """
        options = [f"--{name}={value}" for name, value in settings.items()]
        surroundings = {}
        with suppress(OSError, ValueError):
            surroundings["PG_GRANDPARENT_PID"] = str(_recorded_pid(self._home / "cluster"))
        postgres = [str(self._programs / "postgres"), "-D", str(self._home / "cluster")]
        sockets_in = ["-k", str(sockets or self._home)]
        shell = ["/bin/sh", "-c", LAUNCH, str(self._home / "log")]
        started = self._execute(
            [*shell, *postgres, *sockets_in, *options], surroundings=surroundings
        )
        return int(started.stdout)

    def _run(self, program: str, *options: str, says: str = "") -> None:
        done = self._execute([str(self._programs / program), *options], says=says)
        if done.returncode != 0:
            raise DatabaseUnavailable(f"{program} failed: {done.stderr.strip()}")

    def _execute(
        self, command: list[str], *, says: str = "", surroundings: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - our own programs
            command,
            check=False,
            text=True,
            input=says,
            capture_output=True,
            cwd="/",
            env={"PATH": "/usr/bin:/bin", **(surroundings or {})},
            start_new_session=True,
            pass_fds=self._folders,
            umask=0o077,
            user=self._user.pw_uid if self._user else None,
            group=self._user.pw_gid if self._user else None,
            extra_groups=[] if self._user else None,
        )


LAUNCH: Final = 'postgres=$1; shift; "$postgres" "$@" >>"$0" 2>&1 </dev/null & echo $!'
INITDB: Final = (
    f"--username={NAME}",
    "--encoding=UTF8",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--auth-local=trust",
    "--auth-host=scram-sha-256",
)


@contextmanager
def running(data: Path, settings: Mapping[str, str] | None = None) -> Iterator[str]:
    """The address of the database in `data`, which runs at least until the block ends."""
    postgres = EmbeddedPostgres(data, settings)
    try:
        yield postgres.start()
    finally:
        postgres.stop()


def _recorded_pid(cluster: Path) -> int:
    return int((cluster / "postmaster.pid").read_text().partition("\n")[0])


def _lives(pid: int) -> bool:
    """A zombie, and a number nobody has, do not."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False
