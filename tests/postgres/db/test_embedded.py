"""The database of a data folder: who starts it, who shares it, who stops it, what it survives."""

import asyncio
import multiprocessing
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
from multiprocessing.connection import Connection
from pathlib import Path

import asyncpg
import psutil
import pytest
from sqlalchemy import make_url

from adapters.postgres.db import programs
from adapters.postgres.db.embedded import EmbeddedPostgres, running
from adapters.postgres.db.programs import DatabaseUnavailable
from adapters.postgres.db.urls import for_asyncpg

ROOT = Path(__file__).parents[3]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


def ask(url: str, *statements: str) -> object:
    async def answer() -> object:
        connection = await asyncpg.connect(for_asyncpg(url))
        try:
            answers = [await connection.fetchval(statement) for statement in statements]
        finally:
            await connection.close()
        return answers[-1]

    return asyncio.run(answer())


def postmaster(data: Path) -> psutil.Process:
    pid = (data / "postgres/cluster/postmaster.pid").read_text().split()[0]
    return psutil.Process(int(pid))


def server_runs(data: Path) -> bool:
    return (data / "postgres/cluster/postmaster.pid").exists()


def test_an_empty_folder_becomes_a_database(tmp_path):
    with running(tmp_path / "data") as url:
        answer = ask(url, "select version()")

    assert "PostgreSQL 18" in str(answer)


def test_what_is_acknowledged_is_on_the_disk(tmp_path):
    with running(tmp_path / "data") as url:
        settings = [ask(url, f"show {name}") for name in ("fsync", "synchronous_commit")]

    assert settings == ["on", "on"]


def test_text_sorts_by_code_point_whatever_the_machine_speaks(tmp_path):
    with running(tmp_path / "data") as url:
        answer = ask(
            url, "select string_agg(c, '' order by c) from unnest('{a,B,ø,Z,1}'::text[]) c"
        )

    assert answer == "1BZaø"


def test_it_listens_on_no_network_and_lets_no_other_user_in(tmp_path):
    with running(tmp_path / "data") as url:
        answer = ask(url, "show listen_addresses")
        mode = (tmp_path / "data/postgres").stat().st_mode & 0o777

    assert answer == ""
    assert mode == 0o700


def test_it_keeps_what_was_written_until_the_next_start(tmp_path):
    with running(tmp_path / "data") as url:
        ask(url, "create table cups (n int)", "insert into cups values (7)")

    with running(tmp_path / "data") as url:
        answer = ask(url, "select n from cups")

    assert answer == 7


def test_the_last_one_to_leave_stops_it(tmp_path):
    first, second = EmbeddedPostgres(tmp_path / "data"), EmbeddedPostgres(tmp_path / "data")
    first.start()
    second.start()

    first.stop()
    after_the_first = server_runs(tmp_path / "data")
    second.stop()
    after_the_second = server_runs(tmp_path / "data")

    assert (after_the_first, after_the_second) == (True, False)


def test_a_killed_server_comes_back_with_every_committed_row(tmp_path):
    postgres = EmbeddedPostgres(tmp_path / "data")
    ask(postgres.start(), "create table cups (n int)", "insert into cups values (7)")
    postmaster(tmp_path / "data").kill()

    with running(tmp_path / "data") as url:
        answer = ask(url, "select n from cups")
    postgres.stop()

    assert answer == 7
    assert not server_runs(tmp_path / "data")


def test_a_number_that_now_belongs_to_another_process_stops_no_start(tmp_path):
    with running(tmp_path / "data") as url:
        ask(url, "select 1")
        owner = postmaster(tmp_path / "data").uids().real
    stranger = subprocess.Popen(["sleep", "60"], user=owner if os.geteuid() == 0 else None)
    stale = tmp_path / "data/postgres/cluster/postmaster.pid"
    stale.write_text(f"{stranger.pid}\n{stale.parent}\n1\n5432\n\n\n")
    os.chown(stale, owner, -1)

    with running(tmp_path / "data") as url:
        answer = ask(url, "select 1")
    alive = stranger.poll() is None
    stranger.kill()
    stranger.wait()

    assert answer == 1
    assert alive


def a_process_that_uses(data: Path) -> subprocess.Popen[str]:
    """Another process that holds the database until its standard input closes."""
    script = f"""
        import sys
        from pathlib import Path
        from adapters.postgres.db.embedded import running
        with running(Path({str(data)!r})):
            print("joined", flush=True)
            sys.stdin.read()
    """
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def has_joined(process: subprocess.Popen[str]) -> bool:
    assert process.stdout is not None
    return process.stdout.readline() == "joined\n"


def test_two_who_start_at_once_share_one_server(tmp_path):
    both = [a_process_that_uses(tmp_path / "data") for _ in range(2)]
    joined = [has_joined(process) for process in both]
    ready = (tmp_path / "data/postgres/log").read_text().count("ready to accept connections")
    both[0].communicate()
    after_one_left = server_runs(tmp_path / "data")
    both[1].communicate()

    assert joined == [True, True]
    assert ready == 1
    assert after_one_left
    assert not server_runs(tmp_path / "data")


def test_killing_the_group_of_the_one_who_started_it_leaves_it_alive(tmp_path):
    service = a_process_that_uses(tmp_path / "data")
    assert has_joined(service)
    before = postmaster(tmp_path / "data").pid
    os.killpg(service.pid, signal.SIGKILL)
    service.communicate()

    with running(tmp_path / "data") as url:
        after = postmaster(tmp_path / "data").pid
        answer = ask(url, "select 1")

    assert (after, answer) == (before, 1)
    assert not server_runs(tmp_path / "data")


def test_a_start_that_was_killed_half_way_is_begun_again(tmp_path):
    half = tmp_path / "data/postgres/cluster.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")

    with running(tmp_path / "data") as url:
        answer = ask(url, "select 1")

    assert answer == 1


def test_a_folder_with_a_very_long_name_still_has_a_socket(tmp_path):
    data = tmp_path / ("long" * 25) / "data"

    with running(data) as url:
        answer = ask(url, "select 1")
        sockets = Path(str(make_url(url).query["host"]))
        mode = sockets.stat().st_mode & 0o777

    assert (answer, mode) == (1, 0o700)
    assert not sockets.exists()


def test_a_database_of_another_version_is_refused_with_the_reason(tmp_path, monkeypatch):
    with running(tmp_path / "data"):
        pass
    (tmp_path / "data/postgres/cluster/PG_VERSION").write_text("12\n")
    monkeypatch.setattr("adapters.postgres.db.embedded.MAX_STARTS", 1)

    with pytest.raises(DatabaseUnavailable, match="incompatible with server"):
        EmbeddedPostgres(tmp_path / "data").start()


def test_without_a_wheel_the_reason_says_what_to_do(monkeypatch):
    monkeypatch.setattr(programs, "WHEELS", (("no_such_wheel", "pginstall"),))

    with pytest.raises(DatabaseUnavailable, match="--database-url"):
        programs.found()


@as_root
def test_root_keeps_its_closed_folders_closed(tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)

    with running(closed / "data") as url:
        answer = ask(url, "select 1")
        server = postmaster(closed / "data").uids().real
    modes = [folder.stat().st_mode & 0o777 for folder in (closed, closed / "data")]

    assert answer == 1
    assert server != 0
    assert modes == [0o700, 0o700]


@as_root
def test_programs_out_of_reach_are_copied_once(tmp_path, monkeypatch):
    monkeypatch.setattr(programs, "_may_run", lambda *_: False)
    tmp_path.chmod(0o755)
    user = pwd.getpwnam("nobody")

    copies = [programs.within_reach(user, tmp_path / "shared") for _ in range(2)]
    version = subprocess.check_output([copies[0] / "postgres", "--version"], text=True)

    assert copies[0] == copies[1]
    assert copies[0].is_relative_to(tmp_path / "shared")
    assert "PostgreSQL" in version


def _use_as(user: int, group: int, data: Path, answers: Connection) -> None:
    os.setgroups([])
    os.setgid(group)
    os.setuid(user)
    try:
        with running(data):
            answers.send(postmaster(data).uids().real)
    except PermissionError:
        answers.send(None)


@as_root
def test_an_ordinary_user_starts_it_as_itself():
    nobody = pwd.getpwnam("nobody")
    data = Path(tempfile.mkdtemp(prefix="hylla-test-", dir="/tmp"))
    os.chown(data, nobody.pw_uid, nobody.pw_gid)
    forking = multiprocessing.get_context("fork")
    answer, answers = forking.Pipe(duplex=False)
    process = forking.Process(target=_use_as, args=(nobody.pw_uid, nobody.pw_gid, data, answers))
    process.start()
    process.join()
    shutil.rmtree(data)

    if (server := answer.recv()) is None:
        pytest.skip("the project lies where nobody else may run it")
    assert server == nobody.pw_uid
