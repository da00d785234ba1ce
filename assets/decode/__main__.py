"""Stands between the server and the files: does one job after the other, each in a process of its own.

A job is a line of JSON on the standard input, and its answer one on the standard output. This process reads no file
itself; it has loaded what most files need, so that a process for one of them is there in a millisecond.
"""

import json
import os
import select
import signal
import sys
import time
from typing import Any

from assets.decode import MAX_ANSWER_SIZE
from assets.decode.jobs import Job, do


def main() -> None:
    """Work until the standard input ends, which it does with the server."""
    while line := sys.stdin.buffer.readline():
        answer = json.dumps(_answer(Job(**json.loads(line))))
        sys.stdout.write(answer + "\n")
        sys.stdout.flush()


def _answer(job: Job) -> dict[str, Any]:
    """Return the ``answer`` of the process that does a job, as it came, or in which way it ``failed``."""
    reading, writing = os.pipe()
    process = os.fork()
    if not process:
        do(job, writing)
    os.close(writing)
    try:
        answer, in_time = _read(reading, time.monotonic() + job.seconds)
    finally:
        os.kill(process, signal.SIGKILL)
        _, status = os.waitpid(process, 0)
        os.close(reading)
    if not in_time:
        return {"failed": "It took too long."}
    if len(answer) > MAX_ANSWER_SIZE:
        return {"failed": "It told too much."}
    if not answer:
        return {"failed": f"It ended with {os.waitstatus_to_exitcode(status)}"}
    return {"answer": answer.decode(errors="replace")}


def _read(reading: int, deadline: float) -> tuple[bytes, bool]:
    """Return what comes through a pipe, up to just over ``MAX_ANSWER_SIZE``, and whether it came in time."""
    waiting = select.poll()
    waiting.register(reading, select.POLLIN)
    waiting.register(sys.stdin, select.POLLIN)
    answer = b""
    while (left := deadline - time.monotonic()) > 0:
        ready = dict(waiting.poll(left * 1000))
        if sys.stdin.fileno() in ready:  # it sends no second job before the answer: it is gone
            os.kill(0, signal.SIGKILL)
        if reading in ready:
            chunk = os.read(reading, MAX_ANSWER_SIZE)
            answer += chunk
            if not chunk or len(answer) > MAX_ANSWER_SIZE:
                return answer, True
    return answer, False


if __name__ == "__main__":
    main()
