"""The command: what it prints for people and for scripts, and how it says no."""

import asyncio
import json
import socket
from typing import Any

import asyncpg
import httpx
import pytest

from adapters.cli import COMMANDS
from adapters.postgres.db.embedded import running
from adapters.postgres.db.urls import for_asyncpg
from tests.support.processes import HYLLA, PATIENCE_S, Service, hylla, service, until


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """One shop for all commands; its database runs, so that none has to start it."""
    folder = tmp_path_factory.mktemp("shop") / "data"
    with running(folder):
        yield folder


def printed(*words: object) -> Any:
    done = hylla(*words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def the_real_service(data, port):
    return [*HYLLA, "serve", "--data", str(data), "--port", str(port)]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_every_command_teaches_with_an_example(command):
    done = hylla(command, "--help")

    assert done.returncode == 0
    assert "Example" in done.stdout


def test_migrating_twice_does_nothing_more(data):
    printed("migrate", "--data", data)

    assert printed("migrate", "--data", data) == {"ran": []}


def test_an_office_key_is_printed_once_and_kept_as_a_hint(data):
    made = printed("keys", "create", "--role", "office", "--data", data)
    (listed,) = [
        key for key in printed("keys", "list", "--data", data)["items"] if key["id"] == made["id"]
    ]

    assert set(made) == {"id", "role", "key"}
    assert made["key"].startswith("sk_")
    assert listed["hint"] == made["key"][-4:]
    assert made["key"] not in json.dumps(listed)


def test_a_shop_key_may_be_published(data):
    assert printed("keys", "create", "--role", "shop", "--data", data)["key"].startswith("pk_")


def test_a_key_that_lacks_its_store_is_wrong_usage_and_says_which_option(data):
    done = hylla("keys", "create", "--role", "till", "--data", data)

    assert done.returncode == 2
    assert "--store: a till belongs to one store" in done.stderr


def test_a_key_that_is_not_there_cannot_be_revoked(data):
    done = hylla("keys", "revoke", "key_nobody", "--data", data)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "There is no such key.\n"


def test_nobody_gets_a_token_for_a_customer_who_is_not_there(data):
    done = hylla("token", "--customer", "cus_nobody", "--data", data)

    assert (done.returncode, done.stderr) == (1, "There is no customer cus_nobody.\n")


def test_with_an_identity_provider_the_trial_issues_no_tokens(data):
    done = hylla(
        *("token", "--customer", "cus_nobody", "--data", data),
        HYLLA_OIDC_ISSUER="https://login.example",
        HYLLA_OIDC_AUDIENCE="shop",
    )

    assert done.returncode == 2
    assert "HYLLA_OIDC_ISSUER" in done.stderr


@pytest.mark.parametrize(
    ("words", "environment", "status", "sentence"),
    [
        (["migrate"], {"HYLLA_PROT": "1"}, 2, "did you mean HYLLA_PORT?"),
        (["serve", "--port", "0"], {}, 2, "HYLLA_PORT must be a whole number from 1 to 65535"),
        (["migrate", "--database-url", "mysql://x/y"], {}, 2, "postgresql"),
        (["serve", "--database-url", "postgresql://db/x"], {}, 2, "HYLLA_SECRET is needed"),
        (
            ["token", "--customer", "cus_1", "--database-url", "postgresql://db/x"],
            {},
            2,
            "HYLLA_SECRET is needed",
        ),
        (
            ["migrate", "--database-url", "postgres://me:hunter2@127.0.0.1:1/x"],
            {},
            1,
            "The database postgresql://me:***@127.0.0.1:1/x cannot be used",
        ),
        (["nonsense"], {}, 2, "No such command"),
    ],
)
def test_what_goes_wrong_is_one_sentence(words, environment, status, sentence):
    done = hylla(*words, **environment)

    assert (done.returncode, done.stdout) == (status, "")
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert "hunter2" not in done.stderr


def test_a_command_beside_a_running_service_works_on_the_same_shop(tmp_path):
    data = tmp_path / "data"
    with service(data, the_real_service) as shop:
        key = printed("keys", "create", "--role", "office", "--data", data)
        headers = {"Authorization": f"Bearer {key['key']}"}

        def status() -> int:
            return httpx.get(f"{shop.url}/v1/keys", headers=headers).status_code

        before = status()
        hylla("keys", "revoke", key["id"], "--data", data)

        assert before == 200
        until(lambda: status() == 401, "the key opens nothing any more")
        assert shop.database_runs()
    assert not shop.database_runs()


def test_a_database_of_ones_own_is_served_only_once_it_is_migrated(empty_database_url):
    own = {"HYLLA_DATABASE_URL": empty_database_url}

    before = hylla("keys", "list", **own)
    migrated = hylla("migrate", **own)
    after = hylla("keys", "list", **own)

    assert (before.returncode, migrated.returncode, after.returncode) == (1, 0, 0)
    assert "run hylla migrate first" in before.stderr
    assert after.stdout == "There are no keys.\n"


def test_a_taken_port_is_refused_before_two_shops_share_it(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = hylla("serve", "--data", tmp_path / "data", "--port", port)

    assert done.returncode == 1
    assert f"Cannot listen on 127.0.0.1, port {port}: address already in use." in done.stderr
    assert not (tmp_path / "data").exists()


def announced(worker: Service) -> dict[str, str] | None:
    """What the command printed; log lines of the worker may stand before and behind it."""
    lines = [line for line in worker.said().splitlines(keepends=True) if line.endswith("}\n")]
    printed = [json.loads(line) for line in lines if line.startswith("{")]
    return next((one for one in printed if one.keys() == {"role", "data"}), None)


async def jobs_run(url: str) -> int:
    connection = await asyncpg.connect(for_asyncpg(url))
    try:
        count: int = await connection.fetchval("select count(*) from job_runs")
    finally:
        await connection.close()
    return count


def test_a_worker_does_the_jobs_without_a_port_until_it_is_stopped(tmp_path):
    data = tmp_path / "data"
    worker = Service(
        data, lambda data, _: [*HYLLA, "serve", "--role", "worker", "--data", str(data), "--json"]
    )
    until(lambda: announced(worker) is not None, "the worker says that it starts")
    with running(data) as url:
        until(lambda: asyncio.run(jobs_run(url)) > 0, "the worker has run a job")
    alive = worker.process.poll() is None
    worker.process.terminate()
    status = worker.process.wait(PATIENCE_S)

    assert announced(worker) == {"role": "worker", "data": str(data)}
    assert (alive, status) == (True, 0), worker.said()
    worker.output.close()
    assert not worker.database_runs()
