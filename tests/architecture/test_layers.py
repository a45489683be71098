"""The arrow holds, and every contract that guards it turns red when somebody breaks it."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINT = Path(sys.executable).with_name("lint-imports")

# For each contract of pyproject.toml: where somebody might break it, and how.
BREAKS = {
    "The arrow: adapters to service to domain": (
        "domain/kernel/money.py",
        "import service.shared.retry",
    ),
    "The domain knows msgspec and libraries that only calculate": (
        "domain/kernel/money.py",
        "import httpx",
    ),
    "The service knows no framework, no SQL and no network": (
        "service/foundation/api_keys.py",
        "import sqlalchemy",
    ),
    "Order of the contexts in the domain": (
        "domain/kernel/money.py",
        "import domain.orders.orders",
    ),
    "Order of the contexts in the service": (
        "service/inventory/holds.py",
        "import service.orders.queries",
    ),
    "Order of the contexts in HTTP": (
        "adapters/http/web/problems.py",
        "import adapters.http.orders.controllers.orders",
    ),
    "Order of the contexts in PostgreSQL": (
        "adapters/postgres/db/columns.py",
        "import adapters.postgres.stores.repository",
    ),
    "Siblings in the adapters do not know each other": (
        "adapters/http/web/problems.py",
        "import adapters.postgres.db.tables",
    ),
}


def contracts() -> list[str]:
    known = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return [contract["name"] for contract in known["tool"]["importlinter"]["contracts"]]


@pytest.fixture
def copy(tmp_path):
    """The project's rooms, to be broken without harm."""
    for room in ("domain", "service", "adapters"):
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def verdicts(project: Path) -> dict[str, str]:
    """What import-linter says of each contract: KEPT or BROKEN."""
    done = subprocess.run(
        [LINT, "--no-cache"],
        check=False,
        capture_output=True,
        text=True,
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(project), "COLUMNS": "200"},
    )
    found = dict(re.findall(r"(?m)^(.+?) (KEPT|BROKEN)\b", done.stdout))
    assert found, done.stdout + done.stderr
    return found


def test_every_contract_is_kept(copy):
    assert verdicts(copy) == dict.fromkeys(contracts(), "KEPT")


def test_every_contract_is_shown_to_turn_red():
    assert set(BREAKS) == set(contracts())


@pytest.mark.parametrize("contract", BREAKS)
def test_a_broken_contract_turns_red(copy, contract):
    file, bad_import = BREAKS[contract]
    with (copy / file).open("a") as broken:
        broken.write(f"\n{bad_import}\n")

    assert verdicts(copy)[contract] == "BROKEN"


def one_unit_each() -> dict[str, bool]:
    """Every function of a use case that opens a unit, and whether it is tried again."""
    return {
        f"{file.relative_to(ROOT / 'service')}:{function.name}": any(
            ast.unparse(decorator) == "retry_on_conflict" for decorator in function.decorator_list
        )
        for file in (ROOT / "service").rglob("*.py")
        for function in ast.walk(ast.parse(file.read_text()))
        if isinstance(function, ast.AsyncFunctionDef)
        and "units.begin()" in ast.unparse(function.body)  # type: ignore[arg-type]
    }


NOT_AGAIN = {
    "follow_ups/send_messages.py:send_next",  # its network call is not to be made twice
    # These lease work, and the scheduler runs them again at once.
    "administration/reactions.py:process_events",
    "orders/payment/execute_transactions.py:execute_due_transactions",
    "orders/payment/reconcile_attempts.py:reconcile_due_attempts",
    "administration/webhooks.py:deliver_changes",
    "administration/webhooks.py:_send",
}


def test_whatever_gives_way_to_a_rival_is_tried_again():
    assert {name for name, again in one_unit_each().items() if not again} == NOT_AGAIN
