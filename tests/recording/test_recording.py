"""This build answers as commit 857a901 did, but for the names that upgrading.md lists."""

import json
import os
import re
from pathlib import Path

import pytest

from tests.recording.compare import differences, renamed
from tests.recording.record import record
from tests.recording.renames import Renames

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


@pytest.mark.skipif(os.name == "nt", reason="the server is stopped by a signal")
def test_this_build_answers_as_the_recorded_one_did():
    renames = Renames.read(HERE / "renames.toml")
    old = json.loads((HERE / "recorded_857a901.json").read_text("utf-8"))
    new = record(ROOT, renames)
    found = list(differences(renamed(old, renames), new, ignore_prose=True))

    assert sum(len(entries) for entries in new.values()) > 300
    assert found == []


def test_every_operation_of_the_contract_is_recorded():
    old = json.loads((HERE / "recorded_857a901.json").read_text("utf-8"))
    asked = {_shape(entry["request"]) for entries in old.values() for entry in entries}
    (contract,) = (e for e in old["contract"] if e["request"] == "GET /schema/openapi.json")
    operations = {_shape(line.rpartition(" ")[0]) for line in contract["body"]["operations"]}

    assert operations - asked == set()


def _shape(request: str) -> str:
    """The operation, however its parameters are called."""
    return re.sub(r"\{[^}]+\}", "{}", request)


@pytest.mark.parametrize(
    "change",
    [
        {"status": 500},
        {"body": {"code": "another_code"}},
        {"body": {"items": [1, 2]}},
        {"answered": {"etag": '"2"'}},
    ],
)
def test_every_difference_is_seen(change: dict[str, object]):
    entry = {"request": "GET /", "status": 200, "body": {"code": "x", "items": [1]}, "answered": {}}
    assert list(differences({"a": [entry]}, {"a": [entry | change]}, ignore_prose=True))
    assert list(differences({"a": [entry]}, {"a": [entry, entry]}, ignore_prose=True))
    assert not list(differences({"a": [entry]}, {"a": [dict(entry)]}, ignore_prose=True))


def test_a_renamed_code_is_no_difference_and_another_one_is():
    old = {
        "request": "GET /",
        "body": {"code": "old", "type": "/problems/old", "title": "Old", "name": "old"},
    }
    new = {
        "request": "GET /",
        "body": {"code": "new", "type": "/problems/new", "title": "New", "name": "old"},
    }
    known = renamed({"a": [old]}, Renames(codes={"old": "new"}))
    wrong = renamed({"a": [old]}, Renames(codes={"old": "other"}))

    assert not list(differences(known, {"a": [new]}, ignore_prose=True))
    assert len(list(differences(wrong, {"a": [new]}, ignore_prose=True))) == 2
    assert len(list(differences(known, {"a": [new]}, ignore_prose=False))) == 1
