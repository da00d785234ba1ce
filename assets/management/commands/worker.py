"""Makes sizes and previews of what is uploaded, in a process of its own, until it is told to stop.

It is for servers that run with RASTER_WORKER=apart. Any number of them work together, on any machine that reaches the
database and the storage. On SIGTERM and SIGINT it gives back what is half made, and ends.
"""

import signal
import threading
from typing import Any

from assets.derivatives import Worker
from orgs.management.base import OperatorCommand

STOP = {signal.SIGTERM, signal.SIGINT}


class Command(OperatorCommand):
    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        worker = Worker()
        # Waited for rather than handled: a handler might run in the middle of what it would have to lock.
        signal.pthread_sigmask(signal.SIG_BLOCK, STOP)
        thread = threading.Thread(target=worker.run, name="derivatives")
        thread.start()
        self.say("Working. SIGTERM or Ctrl-C ends it.")
        signal.sigwait(STOP)
        worker.stop()
        thread.join()
