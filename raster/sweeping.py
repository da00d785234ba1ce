"""Has the server sweep by itself, so that nobody has to remember to: now and then, beside serving."""

import asyncio
import contextlib
import logging
import threading
from collections.abc import AsyncIterator, Callable

from raster.workers import sweepers

#: How often a process asks whether it is time. Whoever sweeps says how often that is.
ASK_EVERY_SECONDS = 600.0
Sweep = Callable[[threading.Event], dict[str, int]]

logger = logging.getLogger("raster.sweeping")


@contextlib.asynccontextmanager
async def sweeping(sweep: Sweep, every: float | None = None) -> AsyncIterator[None]:
    """Call ``sweep`` in a thread every so many seconds until the block ends. What it raises is logged, no more."""
    stop = threading.Event()
    every = ASK_EVERY_SECONDS if every is None else every
    task = asyncio.create_task(_sweep_again_and_again(sweep, every, stop))
    try:
        yield
    finally:
        stop.set()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _sweep_again_and_again(sweep: Sweep, every: float, stop: threading.Event) -> None:
    while True:
        await asyncio.sleep(every)
        try:
            swept = await sweepers.run(lambda: sweep(stop))
        except Exception as error:
            logger.error("Sweeping failed; it will be tried again", exc_info=error)
        else:
            rows = {name: count for name, count in swept.items() if count}
            if rows:
                logger.info("Swept", extra={"fields": {"rows": rows}})
