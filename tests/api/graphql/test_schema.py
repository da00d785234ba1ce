"""The schema that clients are made for: what changes in it changes for them."""

from pathlib import Path

from api.graphql.schema import schema
from tests.snapshots import Check


def test_the_schema_is_what_clients_were_made_for(check_snapshot: Check) -> None:
    check_snapshot(Path(__file__).parent / "schema.graphql", schema.as_str() + "\n")
