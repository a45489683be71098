"""`hylla demo` tells the main job to its end, on an empty folder and on one it knows."""

import json
import re
import socket
from pathlib import Path

from tests.support.processes import free_port, hylla


def heard(told: str, sentence: str) -> str:
    """What follows a sentence of the story, up to the next one."""
    assert sentence in told, told
    return re.split(r"\n\s?\d+\. ", told.partition(sentence)[2])[0]


def test_the_story_comes_to_its_end_twice_on_the_same_folder(tmp_path: Path):
    data = tmp_path / "data"
    first = hylla("demo", "--once", "--data", data, "--port", free_port())
    second = hylla("demo", "--once", "--data", data, "--port", free_port())

    assert (first.returncode, first.stderr) == (0, ""), first.stdout
    assert (second.returncode, second.stderr) == (0, ""), second.stdout
    for told in (first.stdout, second.stdout):
        assert "Idempotent-Replayed: true" in heard(told, "An impatient second click")
        assert "wrong_code" in heard(told, "Another code does not open it")
        assert '"state": "collected"' in heard(told, "With the code it is handed over")
        assert '"available": 149, "pending": 0' in heard(told, "The points can be spent")
        assert "Goes well with it" in heard(told, "The shop says thank you")
        assert '"ok": true' in heard(told, "Every figure is the sum of its ledger")
    letters = [json.loads(path.read_text()) for path in (data / "messages").glob("*.json")]
    assert sorted((letter["kind"], letter["channel"]) for letter in letters) == [
        ("pickup_ready", "sms"),
        ("pickup_ready", "sms"),
        ("thank_you", "sms"),
        ("thank_you", "sms"),
    ]
    kept = json.loads(hylla("keys", "list", "--json", "--data", data).stdout)["items"]
    assert [key["revoked_at"] is not None for key in kept] == [True] * 8, "keys end with a demo"


def test_a_demo_says_when_its_port_is_taken(tmp_path: Path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = hylla("demo", "--once", "--data", tmp_path / "data", "--port", port)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"HYLLA_PORT cannot be {port} on 127.0.0.1 (Address already in use):"
        " choose another --port.\n"
    )
