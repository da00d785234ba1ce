"""Several fields of one request tell no more than one."""

from tests.api.graphql.client import ask, refusal
from tests.factories import AssetFactory, Cast
from tests.server import Server

MISSING = "e" * 22


def test_several_assets_at_once_tell_no_more_than_one(server: Server, cast: Cast) -> None:
    """The fields of a request are loaded together; one out of reach is as one that is not there."""
    key = cast.key(barcelona="read").secret
    near, far = AssetFactory(library=cast.barcelona), AssetFactory(library=cast.paris)
    texts = set()
    for other in (far.pk, MISSING):
        place = 'organizationId: "acme", libraryId: "barcelona"'
        fields = (f'a{i}: asset({place}, assetId: "{asset}") {{ id }}' for i, asset in enumerate((near.pk, other)))
        answer = ask(server, key, f"{{ {' '.join(fields)} }}")
        assert refusal(answer) == (404, "RESOURCE_NOT_FOUND")
        texts.add(answer.text)
    assert len(texts) == 1
