"""What a list costs over REST and GraphQL, beside plain Django views that send the same."""

import argparse
import json

from bench.comparing import Measured, compare
from bench.load import Request
from bench.servers import RASTER, Databases, serving
from bench.tools import PLAIN, SMALL, plain_environment
from tests.contract.transports import ASSET, VERSION

TARGET = "—"


def measure_apis(databases: Databases, options: argparse.Namespace) -> Measured:
    """Measure 50 of 10,000 assets against a plain view of one query that asks for no credential."""
    database = databases.filled("catalogue", SMALL)
    place = database.facts["questions"]["list_assets"]
    organization, library = place["organizationId"], place["libraryId"]
    authorized = {"Authorization": f"Bearer {database.facts['key']}"}
    document = f"query List($o: ID!, $l: ID!) {{ assets(organizationId: $o, libraryId: $l) {{ {ASSET} }} }}"
    asked = json.dumps({"query": document, "variables": {"o": organization, "l": library}})
    measured = Measured()
    with serving(RASTER, database.environment) as server:
        ours = {
            "rest_list": Request(
                f"http://127.0.0.1:{server.port}/api/organizations/{organization}/libraries/{library}/assets",
                {**authorized, "Api-Version": VERSION},
            ),
            "graphql_list": Request(
                f"http://127.0.0.1:{server.port}/graphql", {**authorized, "Content-Type": "application/json"}, asked
            ),
        }
        with serving(PLAIN, plain_environment(database, server.port)) as plain:
            for name, request in ours.items():
                theirs = Request(f"http://127.0.0.1:{plain.port}/{name}", {}, request.body)
                if json.loads(theirs.answer()) != json.loads(request.answer()):
                    raise RuntimeError(f"The two servers answer {name} differently.")
                sides = {"plain view": theirs, "Raster": request}
                title = f"{name}, {len(request.answer()):,} bytes"
                measured.rows.append(compare(databases.kind, title, sides, TARGET, databases.folder, options))
    return measured
