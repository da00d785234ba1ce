"""The ASGI application with a clock of its own for clean-ups: a second is as good as many days.

``uvicorn tests.assets.hurried:application`` cleans up all the time; every file is old enough, and what one clean-up
found the next may delete.
"""

import os
from datetime import timedelta

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "raster.settings")
django.setup(set_prefix=False)

from assets import clean_up  # noqa: E402 - needs the settings
from raster import sweeping  # noqa: E402
from raster.asgi import application  # noqa: E402

__all__ = ["application"]

sweeping.ASK_EVERY_SECONDS = 0.2
clean_up.EVERY_SECONDS = clean_up.PURGE_EVERY_SECONDS = 0
clean_up.OLD = clean_up.APART = timedelta()
