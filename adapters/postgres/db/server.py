"""The programs of PostgreSQL at work in one folder: a cluster is made, a server launched."""

import pwd
import shutil
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

import psutil

from adapters.postgres.db.programs import DatabaseUnavailable

NAME: Final = "hylla"
LAUNCH: Final = 'postgres=$1; shift; "$postgres" "$@" >>"$0" 2>&1 </dev/null & echo $!'
INITDB: Final = (
    f"--username={NAME}",
    "--encoding=UTF8",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--auth-local=trust",
    "--auth-host=scram-sha-256",
)


class ServerProcess:
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
        """Starts the server in a session of its own and returns its process id.

        Its socket is in `sockets`, or else in its own folder.

        A lock file left by a dead server may name another live process. The server treats such
        an id as a relative of its own, when configured so, and goes on.
        """
        options = [f"--{name}={value}" for name, value in settings.items()]
        surroundings = {}
        with suppress(OSError, ValueError):
            surroundings["PG_GRANDPARENT_PID"] = str(recorded_pid(self._home / "cluster"))
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


def recorded_pid(cluster: Path) -> int:
    return int((cluster / "postmaster.pid").read_text().partition("\n")[0])


def is_running(pid: int) -> bool:
    """Returns whether the process runs; a zombie or an unknown id does not."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False
