"""Who may decode next: so many at once, never all of them for one, and whoever has fewest goes first."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from assets.probe import Probed, probe
from assets.signatures import PNG
from assets.turns import Turns, decoding_turns
from raster.errors import RateLimited
from tests.assets import pictures
from tests.waiting import wait_until


class Holder:
    """A thread that waits for a turn, and holds it until it is released."""

    def __init__(self, turns: Turns, owner: str, order: list[str]) -> None:
        self.has_turn, self.release = threading.Event(), threading.Event()
        self.refused = False

        def hold() -> None:
            try:
                with turns.turn(owner):
                    order.append(owner)
                    self.has_turn.set()
                    self.release.wait(60)
            except RateLimited:
                self.refused = True

        self.thread = threading.Thread(target=hold)
        self.thread.start()

    def end(self) -> None:
        self.release.set()
        self.thread.join(60)


Holding = Callable[[Turns, str], Holder]


@pytest.fixture
def order() -> list[str]:
    return []


@pytest.fixture
def holding(order: list[str]) -> Iterator[Holding]:
    holders: list[Holder] = []

    def hold(turns: Turns, owner: str) -> Holder:
        before = turns.waiting
        holder = Holder(turns, owner, order)
        holders.append(holder)
        wait_until(lambda: holder.has_turn.is_set() or turns.waiting > before)
        return holder

    yield hold
    for holder in holders:
        holder.release.set()
    for holder in holders:
        holder.thread.join(60)


def test_no_more_run_at_once_than_may(holding: Holding) -> None:
    turns = Turns(most=2, most_of_one=2, most_asking_of_one=9, seconds=30)
    first, second, third = (holding(turns, owner) for owner in ("acme", "globex", "initech"))
    assert first.has_turn.is_set() and second.has_turn.is_set()
    assert not third.has_turn.is_set()
    first.end()
    assert third.has_turn.wait(60)


def test_a_turn_is_left_for_the_others(holding: Holding) -> None:
    turns = Turns(most=2, most_of_one=1, most_asking_of_one=9, seconds=30)
    first, second = holding(turns, "acme"), holding(turns, "acme")
    assert first.has_turn.is_set() and not second.has_turn.is_set()
    assert holding(turns, "globex").has_turn.wait(60)


def test_who_asks_for_much_lets_others_pass(holding: Holding, order: list[str]) -> None:
    turns = Turns(most=1, most_of_one=1, most_asking_of_one=9, seconds=30)
    holders = [holding(turns, "acme") for _ in range(4)] + [holding(turns, "globex") for _ in range(2)]
    for number in range(len(holders)):
        wait_until(lambda number=number: len(order) > number)  # type: ignore[misc]
        next(holder for holder in holders if holder.has_turn.is_set() and not holder.release.is_set()).end()
    assert order == ["acme", "globex", "acme", "globex", "acme", "acme"]


def test_one_cannot_fill_the_threads_with_what_waits(holding: Holding) -> None:
    turns = Turns(most=1, most_of_one=1, most_asking_of_one=2, seconds=30)
    first, _ = holding(turns, "acme"), holding(turns, "acme")
    with pytest.raises(RateLimited), turns.turn("acme"):
        pass
    other = holding(turns, "globex")
    first.end()
    assert other.has_turn.wait(60)


def test_nobody_waits_for_ever(holding: Holding) -> None:
    turns = Turns(most=1, most_of_one=1, most_asking_of_one=9, seconds=0.05)
    holding(turns, "acme")
    with pytest.raises(RateLimited), turns.turn("globex"):
        pass
    assert turns.waiting == 0


def test_a_turn_ends_with_an_error_and_nothing_is_remembered() -> None:
    turns = Turns(most=1, most_of_one=1, most_asking_of_one=1, seconds=0)
    for _ in range(3):
        with pytest.raises(KeyError), turns.turn("acme"):
            raise KeyError
    assert not turns._running and not turns._last_turn


def test_reading_a_header_waits_for_a_turn(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(pictures.encoded("png", 8, 8))
    with ExitStack() as held:
        for _ in range(decoding_turns._most_of_one):
            held.enter_context(decoding_turns.turn("acme"))
        waiting = [threading.Thread(target=probe, args=(path, PNG, "acme")) for _ in range(3)]
        for thread in waiting:
            thread.start()
        wait_until(lambda: decoding_turns.waiting == 3)
        assert probe(path, PNG, "globex") == Probed(8, 8)
        assert decoding_turns.waiting == 3
    for thread in waiting:
        thread.join(60)
    assert decoding_turns.waiting == 0
