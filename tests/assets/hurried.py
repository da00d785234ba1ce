"""The ASGI application with a clock of its own for clean-ups: a second is as good as many days.

``uvicorn tests.assets.hurried:application`` cleans up all the time; every file is old enough, and what one clean-up
found the next may delete.
"""

from datetime import timedelta

# isort: split - that set Django up
from assets.operations import sweeps, trash
from raster import sweeping
from raster.asgi import application

__all__ = ["application"]

sweeping.ASK_EVERY_SECONDS = 0.2
sweeps.EVERY_SECONDS = trash.EVERY_SECONDS = 0
sweeps.OLD = sweeps.APART = timedelta()
