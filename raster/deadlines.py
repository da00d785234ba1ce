"""How long a request waits for a database that does not answer.

The clock is on this side: TCP timeouts never fire for a stopped server, whose kernel goes on acknowledging, and a
server that is stopped enforces no timeout of its own. Whatever the budget applies to ends with an error of the
database, which every interface answers with 503. Commands have no budget: migrations and index builds take long.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

#: Of a request, its waits for a connection included; it is answered within ten.
REQUEST_SECONDS = 9.0
#: Of one statement of what runs beside the requests and may take longer, such as cleaning up.
BACKGROUND_SECONDS = 30.0


class WaitBudget:
    """How much longer its owner may wait for answers of the database. Each answer restores all of it.

    So the time of a request whose statements are answered is not limited, and one that gets no answer fails after
    ``seconds`` in all, however many more statements it tries. A budget belongs to one request, in which one thread at a
    time uses it.
    """

    __slots__ = ("_seconds", "left")

    def __init__(self, seconds: float = REQUEST_SECONDS) -> None:
        self._seconds = seconds
        self.left = seconds

    def answered(self) -> None:
        """Note that the database has answered."""
        _Silence.known = False
        self.left = self._seconds

    def spend(self, seconds: float) -> None:
        """Note that waiting for so long brought no answer."""
        self.left -= seconds

    def use_up(self) -> None:
        """Note that the database did not answer in time."""
        note_silence()
        self.left = 0.0

    @contextmanager
    def applied(self, queued: float = 0.0) -> Iterator[None]:
        """Apply to this thread or task until the block ends, after ``queued`` seconds of waiting for the thread.

        The wait for a thread counts while the database is known to be silent: those who queue behind requests that got
        no answer would otherwise wait for theirs one after the other.
        """
        if _Silence.known:
            self.left -= queued
        token = _applying.set(self)
        try:
            yield
        finally:
            _applying.reset(token)


class _Silence:
    """Whether somebody in this process waited in vain since the last answer."""

    known = False


def note_silence() -> None:
    """Note for the whole process that somebody waited in vain."""
    _Silence.known = True


_applying: ContextVar[WaitBudget | None] = ContextVar("raster.deadlines", default=None)


def current_budget() -> WaitBudget | None:
    """Return the budget that applies here; None where waits are not limited."""
    return _applying.get()


@contextmanager
def limited(seconds: float = REQUEST_SECONDS) -> Iterator[None]:
    """Apply a new budget to what this thread or task does until the block ends."""
    with WaitBudget(seconds).applied():
        yield
