"""No credential passes through a log line, whatever stands around it."""

import json
import logging

import pytest

from apikeys import secrets
from raster.logs import FaultFormatter, JSONFormatter


@pytest.mark.parametrize("around", ["{}", "a line\n{}", "\t{}", "/x{}", "Bearer%20{}", "_{}_", '"{}"', "key={}&x=1"])
def test_a_key_is_cut_to_its_public_id(around: str) -> None:
    key = secrets.generate()
    line = JSONFormatter().format(logging.makeLogRecord({"msg": around.format(key.text)}))
    assert key.text[16:48] not in line
    assert f"rstk_{key.public_id}…" in line
    json.loads(line)


def test_a_failed_page_is_logged_without_its_path() -> None:
    record = logging.makeLogRecord({"msg": "%s: %s", "args": ("Service Unavailable", "/password/reset/key/1-abc")})
    assert "abc" not in FaultFormatter().format(record)
