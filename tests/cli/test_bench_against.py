"""Two builds are compared in turns, each filled by its own command line and API."""

import json
import shutil
from pathlib import Path

import pytest

from adapters.bench.compared_rows import ComparedRow
from adapters.bench.compared_side import ComparedSide
from adapters.bench.comparison import ALTERNATIONS, compare, to_compared
from adapters.bench.figures import Sample
from adapters.bench.scales import SCALES
from tests.support.processes import hylla

ROOT = Path(__file__).parents[2]
COMMAND = ROOT / ".venv" / "bin" / "hylla"
needs_wrk = pytest.mark.skipif(
    shutil.which("wrk") is None, reason="wrk makes the load, and is not installed"
)


def side(name: str, tmp_path: Path) -> ComparedSide:
    return ComparedSide(name=name, command=["true"], data=tmp_path, scale=SCALES["tiny"])


def test_the_sides_take_turns_and_go_first_alternately(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    measured: list[tuple[str, int]] = []

    def measure(at: ComparedSide, seconds: int) -> Sample:
        measured.append((at.name, seconds))
        return Sample(3.0 if at.name == "this" else 2.0)

    row = ComparedRow("3", "holds", "holds/s", measure, warm_up_seconds=7)
    monkeypatch.setattr("adapters.bench.comparison.COMPARED_ROWS", (row,))
    sides = side("this", tmp_path), side("other", tmp_path)
    report = compare(sides, [3], 1, lambda _: None)

    assert measured[:2] == [("this", 7), ("other", 7)]
    assert [name for name, _ in measured[2:6]] == ["this", "other", "other", "this"]
    assert len(measured) == 2 + 2 * ALTERNATIONS
    assert (report.rows[0].ratio, report.broken) == (1.5, [])


def test_a_row_that_is_not_asked_for_is_not_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    row = ComparedRow("3", "holds", "holds/s", lambda *_: pytest.fail("measured"))
    monkeypatch.setattr("adapters.bench.comparison.COMPARED_ROWS", (row,))

    report = compare((side("this", tmp_path), side("other", tmp_path)), [1], 1, lambda _: None)

    assert report.rows == []


def test_the_ratio_is_the_median_of_the_turns_and_not_that_of_the_medians():
    row = ComparedRow("1", "availability", "requests/s", lambda *_: Sample(0))
    runs = [
        (Sample(this, faults=1), Sample(other)) for this, other in ((10, 10), (30, 20), (8, 10))
    ]

    result = to_compared(row, runs)

    assert (result.this, result.other, result.ratio) == (10, 10, 1.0)
    assert result.faults == 3


def test_a_side_whose_audit_fails_is_named(tmp_path: Path):
    broken = ComparedSide(name="x", command=["false"], data=tmp_path, scale=SCALES["tiny"])

    assert side("y", tmp_path).is_sound()
    assert not broken.is_sound()


@needs_wrk
@pytest.mark.skipif(not COMMAND.exists(), reason="the checkout has no environment of its own")
def test_a_build_is_compared_with_itself(tmp_path: Path):
    words = ("bench", "--against", ROOT, "--rows", "16", "--scale", "tiny", "--seconds", "1")
    done = hylla(*words, "--folder", tmp_path, "--json")

    assert done.returncode == 0, done.stderr + done.stdout
    report = json.loads(done.stdout)
    [row] = report["rows"]
    assert (row["row"], row["unit"], row["at_most"], row["faults"]) == ("16", "ms", True, 0)
    assert len(row["runs"]) == ALTERNATIONS
    assert row["this"] > 0
    assert row["other"] > 0
    assert report["broken"] == []
    assert list(tmp_path.iterdir()) == [], "nothing is left behind"
