"""Figures: numbers of a checkout that the ratchet holds, each with the places it is made of."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Figure:
    """A number that is better when it is lower.

    `places` gives the weight of every file, function or name that contributes, so that a comparison
    finds the ones that grew.
    """

    value: float
    places: Mapping[str, float] = field(default_factory=dict)


def count(places: Mapping[str, float]) -> Figure:
    """A figure that counts its places."""
    return Figure(len(places), places)


def total(places: Mapping[str, float]) -> Figure:
    """A figure that adds the weights of its places."""
    return Figure(sum(places.values()), places)


def percentile_95(sizes: Sequence[int]) -> int:
    """By nearest rank; 0 of nothing."""
    return sorted(sizes)[math.ceil(0.95 * len(sizes)) - 1] if sizes else 0
