"""Makes sizes and previews of what is uploaded and sends mails, in a process of its own, until it is told to stop.

It is for servers that run with RASTER_WORKER=apart. Any number of them work together, on any machine that reaches the
database, the storage and the mail server. On SIGTERM and SIGINT it finishes a mail that it is sending, gives back what
is half made, and ends.
"""

import signal
import threading
from typing import Any

from assets import derivatives
from orgs.management.base import OperatorCommand
from raster.tasks import worker as tasks

STOP = {signal.SIGTERM, signal.SIGINT}


class Command(OperatorCommand):
    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        workers = (derivatives.Worker(), tasks.Worker())
        # Waited for rather than handled: a handler might run in the middle of what it would have to lock.
        signal.pthread_sigmask(signal.SIG_BLOCK, STOP)
        threads = [threading.Thread(target=worker.run) for worker in workers]
        for thread in threads:
            thread.start()
        self.say("Working. SIGTERM or Ctrl-C ends it.")
        signal.sigwait(STOP)
        for worker in workers:
            worker.stop()
        for thread in threads:
            thread.join()
