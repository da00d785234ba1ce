"""Running the queue's tasks, one after the other."""

from raster.background import POLL_SECONDS, BackgroundWorker
from raster.tasks.queue import Turn, bell, run_one


class Worker(BackgroundWorker):
    """Runs tasks until it is stopped, then after the task that is running."""

    name = "Running tasks"
    bell = bell

    def __init__(self, poll: float = POLL_SECONDS) -> None:
        super().__init__(poll)
        self._turn = Turn()

    def work_once(self) -> bool:
        return run_one(self._turn)
