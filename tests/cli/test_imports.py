"""`hylla import`, as a shopkeeper types it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from adapters.cli.imports import command

STORES = [{"id": 1, "name": "Quay", "at": {"lat": 59.3, "lon": 18.1}, "hours": "Mon: 10-9:30"}]
MAPPED = ["--map", "store=id", "--map", "latitude=at.lat", "--map", "longitude=at.lon"]


@pytest.fixture
def stores(tmp_path: Path) -> Path:
    file = tmp_path / "stores.json"
    file.write_text(json.dumps(STORES))
    return file


def run(database_url: str, *words: object) -> Result:
    return CliRunner().invoke(command, [*map(str, words), "--database-url", database_url])


def test_a_file_comes_in_once_and_then_changes_nothing(database_url: str, stores: Path):
    first = run(database_url, "stores", stores, *MAPPED, "--json")
    again = run(database_url, "stores", stores, *MAPPED, "--json")

    assert (first.exit_code, again.exit_code) == (0, 0)
    assert json.loads(first.stdout) == {"accepted": 1, "unchanged": 0, "refused": 0, "lines": []}
    assert json.loads(again.stdout) == {"accepted": 0, "unchanged": 1, "refused": 0, "lines": []}


def test_refused_lines_are_told_by_number_and_by_the_exit_status(database_url: str, tmp_path: Path):
    file = tmp_path / "products.csv"
    file.write_text("sku,name,price\nMUG,Mug,1.00\nPOT,,1.00\n" + "FREE,Free,0\n" * 30)

    done = run(database_url, "products", file, "--set", "currency=GBP")

    assert done.exit_code == 1
    assert done.stdout.splitlines()[:3] == [
        "1 accepted, 0 unchanged, 31 refused.",
        "  line 3: name is empty. (required)",
        "  line 4: price must be more than 0. (not_positive)",
    ]
    assert done.stdout.splitlines()[-1] == "  … and 11 more; --json lists the first 1,000."


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["stores", "{file}", "--map", "colour=id"], "colour"),
        (["stores", "{file}", "--map", "store"], "field=…"),
        (["stores", "{file}", "--distinct", "name"], "identifying columns"),
        (["elephants", "{file}"], "elephants"),
        (["stores", "nowhere.csv"], "does not exist"),
    ],
)
def test_wrong_usage_is_told_apart_from_wrong_lines(database_url, stores, words, why):
    done = run(database_url, *(word.format(file=stores) for word in words))

    assert done.exit_code == 2
    assert why in " ".join(done.output.split())
