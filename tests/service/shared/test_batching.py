"""Calls that are served together."""

import asyncio
from collections.abc import Sequence

import pytest

from domain.kernel.errors import DomainError, Unavailable
from service.shared.batching import Batcher


class Counter:
    """Doubles numbers, many at once; stumbles over 13, and is away for a round with a 0."""

    def __init__(self) -> None:
        self.rounds: list[list[int]] = []

    async def double(self, numbers: Sequence[int]) -> list[int | Exception]:
        self.rounds.append(list(numbers))
        await asyncio.sleep(0)
        if 13 in numbers:
            raise ValueError("13")
        if 0 in numbers:
            raise Unavailable("Not now.")
        return [DomainError("odd") if number % 2 else 2 * number for number in numbers]


async def answers(counter: Counter, *numbers: int) -> list[int | BaseException]:
    doubled = Batcher(counter.double, name=lambda number: number)
    return await asyncio.gather(*map(doubled, numbers), return_exceptions=True)


async def test_what_comes_while_others_are_served_is_served_together():
    counter = Counter()
    given = await answers(counter, 2, 4, 6, 4)

    assert given == [4, 8, 12, 8]
    assert counter.rounds == [[2, 4, 6], [4]]


async def test_a_refusal_is_the_answer_to_one():
    given = await answers(Counter(), 2, 3, 4)

    assert (given[0], given[2]) == (4, 8)
    assert isinstance(given[1], DomainError)


async def test_a_fault_stays_with_whose_it_is():
    given = await answers(Counter(), 2, 4, 13, 6)

    assert [given[0], given[1], given[3]] == [4, 8, 12]
    assert isinstance(given[2], ValueError)


async def test_what_all_wait_for_in_vain_is_told_to_all():
    counter = Counter()
    given = await answers(counter, 0, 2, 4)

    assert all(isinstance(one, Unavailable) for one in given)
    assert len(counter.rounds) == 1


async def test_who_gives_up_waiting_disturbs_nobody():
    doubled = Batcher(Counter().double, name=lambda number: number)
    calls = [asyncio.ensure_future(doubled(number)) for number in (2, 4, 6)]
    await asyncio.sleep(0)
    calls[1].cancel()

    assert [await calls[0], await calls[2]] == [4, 12]
    with pytest.raises(asyncio.CancelledError):
        await calls[1]
