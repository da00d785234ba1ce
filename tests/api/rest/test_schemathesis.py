"""Requests made up from the OpenAPI document find no fault of the server and no answer that it does not tell of."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from api.examples import ASSET_ID, VARIANT_ID
from tests.api.rest.asking import CURRENT, MAY
from tests.connections.factories import connect, make_client, tokens_of
from tests.factories import AssetFactory, Cast
from tests.server import Server

SEED = "20260708"
#: An answer of 400 to what fits the schema is right where the schema cannot say it all, such as that a name is trimmed.
LEFT_OUT = "positive_data_acceptance"


@pytest.mark.parametrize("version", [CURRENT, MAY])
def test_no_request_finds_a_fault_or_an_answer_that_is_not_documented(
    server: Server, cast: Cast, version: str, tmp_path: Path
) -> None:
    # What the document's examples name is there.
    AssetFactory(pk=ASSET_ID, library=cast.barcelona, tagged=["sea"])
    AssetFactory(pk=VARIANT_ID, library=cast.barcelona, parent_id=ASSET_ID)
    person = tokens_of(connect(cast.alice, make_client(), cast.acme)).access
    credential = person if version == CURRENT else cast.key(barcelona="write", paris="write").secret
    found = subprocess.run(
        [
            *(sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()", "run"),
            f"{server.url}/api/openapi.json?version={version}",
            *("--url", f"{server.url}/api"),
            *("--header", f"Authorization: Bearer {credential}"),
            *("--exclude-checks", LEFT_OUT),
            *("--phases", "examples,coverage,fuzzing"),
            *("--max-examples", "15", "--seed", SEED, "--generation-database", "none"),
            *("--request-timeout", "30", "--no-color", "--continue-on-failure"),
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stdout[-8000:] + found.stderr[-2000:]
