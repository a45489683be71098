"""Samples of a measurement, and the result that several of them make for a row."""

from collections.abc import Callable, Sequence
from statistics import median

from msgspec import Struct


class Sample(Struct, frozen=True):
    """The result of one run; `faults` counts wrong answers."""

    value: float
    p50_ms: float | None = None
    p99_ms: float | None = None
    faults: int = 0


Measure = Callable[[int], Sample]
"""One run of so many seconds."""


class BenchmarkResult(Struct, frozen=True, kw_only=True):
    """A row: the medians of its runs, and the median of the ratios run by run.

    It `counts` when every answer was right and the audit found nothing broken afterwards.
    """

    row: int
    work: str
    unit: str
    figure: float
    p50_ms: float | None
    p99_ms: float | None
    against: str
    yardstick: float
    yardstick_p50_ms: float | None
    yardstick_p99_ms: float | None
    ratio: float
    goal: float
    at_most: bool
    met: bool
    counts: bool
    faults: int
    broken: list[str]
    runs: list[tuple[Sample, Sample]]


class BenchmarkReport(Struct, frozen=True, kw_only=True):
    """Everything that was measured, and where."""

    cores: int
    load_before: float
    scale: str
    seconds: int
    rows: list[BenchmarkResult]


def to_sample(milliseconds: Sequence[float], value: float, faults: int = 0) -> Sample:
    """A run whose single durations are known."""
    ordered = sorted(milliseconds)
    return Sample(value, percentile(ordered, 0.5), percentile(ordered, 0.99), faults)


def percentile(ordered: Sequence[float], part: float) -> float | None:
    """The value that `part` of all do not exceed."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))] if ordered else None


def median_of(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(median(known), 3) if known else None
