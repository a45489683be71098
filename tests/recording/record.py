"""Records the answers of one checkout: `python -m tests.recording.record --checkout PATH --out F`.

With `--renames`, the settings of the recorded build are given by their new names.
"""

import argparse
import json
import signal
import sys
import traceback
from pathlib import Path
from typing import Any

import httpx

from tests.recording.checkout import SETTINGS, running
from tests.recording.normal import Normaliser
from tests.recording.recorder import Recorder
from tests.recording.renames import Renames
from tests.recording.scenarios import SCENARIOS
from tests.recording.scenarios.shop import Shop, open_shop

Recording = dict[str, list[dict[str, Any]]]


def record(root: Path, renames: Renames) -> Recording:
    """Starts the checkout's server, runs every scenario, and returns what it answered."""
    settings = {renames.settings.get(name, name): value for name, value in SETTINGS.items()}
    with (
        running(root, settings) as (checkout, address),
        httpx.Client(base_url=address, timeout=60) as client,
    ):
        shop = open_shop(checkout, Recorder(client, Normaliser()))
        for scenario in SCENARIOS:
            _run(shop, scenario.__name__, scenario)
        return shop.recorder.entries


def _run(shop: Shop, name: str, scenario: Any) -> None:
    shop.recorder.begin(name)
    try:
        scenario(shop)
    except (LookupError, ValueError, OSError, StopIteration, httpx.HTTPError):
        broken = traceback.format_exc(limit=-1)
        sys.stderr.write(f"{name}: {broken}\n")
        shop.recorder.entries[name].append({"request": "the scenario ends early", "why": broken})


def write(recording: Recording, out: Path) -> None:
    """One JSON document; each part of a request is one line, so that a diff names it."""
    blocks = []
    for scenario, entries in recording.items():
        written = ",\n".join(_lines(entry) for entry in entries)
        blocks.append(f"{json.dumps(scenario)}: [\n{written}\n]")
    out.write_text("{\n" + ",\n".join(blocks) + "\n}\n", encoding="utf-8")


def _lines(entry: dict[str, Any]) -> str:
    parts = [
        f"  {json.dumps(part)}: {json.dumps(value, ensure_ascii=False, sort_keys=True)}"
        for part, value in entry.items()
    ]
    return "{\n" + ",\n".join(parts) + "\n}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkout", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--renames", type=Path)
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the server is stopped, too
    recording = record(given.checkout, Renames.read(given.renames))
    write(recording, given.out)
    count = sum(len(entries) for entries in recording.values())
    sys.stdout.write(f"{count} requests in {len(recording)} scenarios: {given.out}\n")
    return int(any("why" in entry for entries in recording.values() for entry in entries))


if __name__ == "__main__":
    sys.exit(main())
