"""The schema that clients are made for: what changes in it changes for them."""

from pathlib import Path

from api.graphql.schema import schema

SNAPSHOT = Path(__file__).parent / "schema.graphql"


def test_the_schema_is_what_clients_were_made_for() -> None:
    assert schema.as_str() + "\n" == SNAPSHOT.read_text()
