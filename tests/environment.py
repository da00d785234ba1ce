"""Sets a test run's environment before Django's settings are read: a data folder of its own, and ``RASTER_DEV``."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

DATA_DIR = Path(tempfile.mkdtemp(prefix="raster-test-"))
TEST_LOG = DATA_DIR / "tests.log"
atexit.register(shutil.rmtree, DATA_DIR, ignore_errors=True)

os.environ["RASTER_DEV"] = "1"
os.environ["RASTER_DATA_DIR"] = str(DATA_DIR)
# All tests come from one address, and ask as fast as they can.
os.environ["RASTER_CREDENTIAL_RATE"] = "off"
os.environ["RASTER_ADDRESS_RATE"] = "off"
