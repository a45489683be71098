"""Compares two recordings: `python -m tests.recording.compare OLD NEW [--renames FILE]`.

The renames are applied to the old recording first. Exits with 1 if a difference is left.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final

from tests.recording.renames import Names, Renames

PROSE: Final = frozenset({"title", "detail"})
_CODES: Final = frozenset({"code", "reasons", "conflicts", "problem", "requires", "verdict"})
_PROBLEM: Final = re.compile(r"(?<=/problems/)[a-z_]+")
_EVENTS: Final = frozenset({"event", "type", "types", "kind", "what"})

Entry = dict[str, Any]


def renamed(recording: dict[str, list[Entry]], renames: Renames) -> dict[str, list[Entry]]:
    """The recording as a build with the new names would have answered."""
    return {
        scenario: [_renamed(entry, renames) for entry in entries]
        for scenario, entries in recording.items()
    }


def _renamed(entry: Entry, renames: Renames) -> Entry:
    request = entry["request"]
    if request == "GET /metrics":
        return entry | {"body": sorted(_metrics(entry["body"], renames.metrics))}
    if request == "GET /schema/openapi.json":
        return entry | {"body": _contract(entry["body"], renames)}
    codes = renames.codes | renames.codes_at.get(request, {})
    done: Entry = {part: _value(value, part, codes, renames) for part, value in entry.items()}
    return done


def _metrics(names: list[str], metrics: Names) -> list[str]:
    pairs = [line.split(" ") for line in names]
    return [f"{metrics.get(name, name)} {kind}" for name, kind in pairs]


def _contract(body: dict[str, list[str]], renames: Renames) -> dict[str, list[str]]:
    operations = [line.rpartition(" ") for line in body["operations"]]
    return {
        "operations": sorted(
            f"{where} {renames.operations.get(name, name)}" for where, _, name in operations
        ),
        "schemas": sorted(renames.schemas.get(name, name) for name in body["schemas"]),
    }


def _value(value: Any, name: str, codes: Names, renames: Renames) -> Any:
    """The value of the field `name`; a list's items are values of the same field."""
    if isinstance(value, dict):
        return {
            renames.fields.get(key, key): _value(item, key, codes, renames)
            for key, item in value.items()
        }
    if isinstance(value, list):
        items = [_value(item, name, codes, renames) for item in value]
        return sorted(items) if items != value and _are_names(items) else items
    return _text(value, name, codes, renames) if isinstance(value, str) else value


def _text(value: str, name: str, codes: Names, renames: Renames) -> str:
    if name in _CODES and value in codes:
        return codes[value]
    if name in _EVENTS and value in renames.events:
        return renames.events[value]
    if value in renames.fields:  # of a long list, the sorted names of its items are recorded
        return renames.fields[value]
    value = _PROBLEM.sub(lambda match: codes.get(match[0], match[0]), value)
    return renames.values.get(value, value)


def _are_names(items: list[Any]) -> bool:
    return all(isinstance(item, str) for item in items)


def differences(
    old: dict[str, list[Entry]], new: dict[str, list[Entry]], *, ignore_prose: bool
) -> Iterator[str]:
    """One line for each value that differs, with the request that it was answered to."""
    for scenario in old | new:
        pairs: Any = zip_longest(old.get(scenario, []), new.get(scenario, []), fillvalue={})
        for number, (before, after) in enumerate(pairs, start=1):
            request = after.get("request", before.get("request"))
            for where, was, now in _differing(before, after, "", ignore_prose=ignore_prose):
                yield f"{scenario} {number}, {request}: {where}: {_short(was)} -> {_short(now)}"


def _differing(
    was: Any, now: Any, where: str, *, ignore_prose: bool
) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(was, dict) and isinstance(now, dict):
        for name in sorted(was.keys() | now.keys()):
            if not (ignore_prose and name in PROSE):
                pair = (was.get(name, "<absent>"), now.get(name, "<absent>"))
                yield from _differing(*pair, f"{where}/{name}", ignore_prose=ignore_prose)
    elif isinstance(was, list) and isinstance(now, list):
        if where.endswith("/invariants"):  # a set: the order has no meaning
            was, now = (sorted(each, key=lambda one: str(one["name"])) for each in (was, now))
        for index, pair in enumerate(zip_longest(was, now, fillvalue="<absent>")):
            yield from _differing(*pair, f"{where}/{index}", ignore_prose=ignore_prose)
    elif was != now:
        yield where, was, now


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= 200 else f"{text[:200]}…"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--renames", type=Path)
    parser.add_argument("--ignore-prose", action="store_true")
    given = parser.parse_args()
    old, new = (json.loads(path.read_text("utf-8")) for path in (given.old, given.new))
    old = renamed(old, Renames.read(given.renames))
    found = list(differences(old, new, ignore_prose=given.ignore_prose))
    sys.stdout.write("".join(f"{line}\n" for line in [*found, f"{len(found)} differences"]))
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
