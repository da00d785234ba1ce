"""Nobody waits for a place behind one who asks for many."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest

from raster.errors import RateLimited
from raster.fair_queue import FairQueue
from raster.workers import Workers

Result = TypeVar("Result")


def run(test: Callable[[], Awaitable[Result]]) -> Result:
    """Run a test's coroutine on a loop of its own, in a thread of its own: a browser may have one in this thread."""

    async def running() -> Result:
        return await test()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, running()).result()


async def settled() -> None:
    """Let every task run until it waits."""
    for _ in range(10):
        await asyncio.sleep(0)


def test_a_place_is_left_for_others() -> None:
    async def test() -> list[str]:
        queue, got = FairQueue(3, 2), []

        async def take(owner: str) -> None:
            await queue.take(owner)
            got.append(owner)

        tasks = [asyncio.create_task(take(owner)) for owner in ("many", "many", "many", "one")]
        await settled()
        for task in tasks:
            task.cancel()
        return got

    assert run(test) == ["many", "many", "one"]


def test_next_comes_who_has_fewest_and_then_who_waited_longest() -> None:
    async def test() -> list[str]:
        queue, got = FairQueue(2, 2), []

        async def work(owner: str) -> None:
            async with queue.place(owner):
                got.append(owner)
                await settled()

        await asyncio.gather(*(work(owner) for owner in ["many"] * 6 + ["one", "other", "one"]))
        return got

    got = run(test)
    assert got[:2] == ["many", "many"]
    assert set(got[2:4]) == {"one", "other"}
    assert "one" in got[4:6]
    assert sorted(got) == ["many"] * 6 + ["one"] * 2 + ["other"]


def test_who_leaves_the_line_takes_no_place_along() -> None:
    async def test() -> None:
        queue = FairQueue(1, 1)
        await queue.take("first")
        leaving, staying = (asyncio.create_task(queue.take(owner)) for owner in ("leaving", "staying"))
        await settled()
        leaving.cancel()
        await settled()
        queue.give_back("first")
        await staying
        # Cancelled just before its place would come, and just after.
        early, next_one = (asyncio.create_task(queue.take(owner)) for owner in ("early", "next"))
        await settled()
        early.cancel()
        queue.give_back("staying")
        await next_one
        with pytest.raises(asyncio.CancelledError):
            await early
        queue.give_back("next")
        await queue.take("staying")
        late, last = (asyncio.create_task(queue.take(owner)) for owner in ("late", "last"))
        await settled()
        queue.give_back("staying")
        late.cancel()
        await last

    run(test)


def test_too_many_of_one_are_refused_and_others_wait() -> None:
    async def test() -> None:
        queue = FairQueue(1, 1, most_waiting=2)
        await queue.take("many")
        waiting = [asyncio.create_task(queue.take(owner)) for owner in ("many", "many", "one")]
        await settled()
        with pytest.raises(RateLimited):
            await queue.take("many")
        for task in waiting:
            task.cancel()

    run(test)


def test_a_thread_is_given_back_when_it_is_free_and_not_before() -> None:
    """A call that is cancelled leaves its function running: until that ends, its thread is nobody's."""

    async def test() -> None:
        workers, begun, may_end = Workers(1), threading.Event(), threading.Event()

        def first() -> None:
            begun.set()
            may_end.wait()

        cancelled = asyncio.create_task(workers.run(first, "acme"))
        assert await asyncio.to_thread(begun.wait, 60)
        cancelled.cancel()
        second = asyncio.create_task(workers.run(lambda: "second", "globex"))
        await settled()
        assert not second.done()
        may_end.set()
        assert await second == "second"
        with pytest.raises(asyncio.CancelledError):
            await cancelled

    run(test)
