"""Pages ask the database each thing once."""

from collections import Counter

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apikeys.models import APIKey
from assets.views.library import MOST_TAGS_SHOWN
from tests.apikeys.people import sign_in
from tests.connections.factories import connect, make_client
from tests.factories import AssetFactory, Cast

#: A session, its user, the membership, the library; its assets, their variants and tags; its tags; the sidebar.
MOST_FOR_A_LIBRARY = 9
PAGES = [
    "/",
    "/acme",
    "/acme/new",
    "/acme/search?q=sea",
    "/acme/connect",
    "/acme/barcelona",
    "/acme/barcelona?tag=sea",
    "/acme/barcelona?q=sea",
    "/acme/barcelona/trash",
    "/acme/barcelona/{asset}",
    "/acme/barcelona/{variant}",
    "/acme/barcelona/{asset}/history",
    "/acme/settings/api-keys",
    "/acme/settings/api-keys/new",
    "/acme/settings/api-keys/{key}",
    "/acme/settings/api-keys/{key}/rename",
    "/acme/settings/api-keys/{key}/delete",
    "/acme/settings/members",
    "/acme/settings/members/{bob}",
    "/acme/settings/members/{bob}/remove",
    "/acme/settings/connected-apps",
    "/settings/connected-apps",
]


@pytest.fixture
def ids(cast: Cast) -> dict[str, object]:
    """Fill Acme with what its pages show."""
    tags = [f"tag {number}" for number in range(MOST_TAGS_SHOWN + 1)]
    asset = AssetFactory(library=cast.barcelona, tagged=["sea", *tags], sizes={"320": 1})
    AssetFactory(library=cast.barcelona, tagged=["sea"])
    AssetFactory(library=cast.barcelona, trashed=timezone.now())
    AssetFactory(library=cast.paris, tagged=["sea"])
    cast.key(barcelona="write", paris="read")
    connect(cast.alice, make_client("one"), cast.acme)
    connect(cast.bob, make_client("two"), cast.acme, all_organizations=True)
    return {
        "asset": asset.pk,
        "variant": AssetFactory(library=cast.barcelona, parent=asset).pk,
        "key": APIKey.objects.get().pk,
        "bob": cast.bob.pk,
    }


def statements(client: Client, path: str) -> list[str]:
    """Return the statements of a page, with their parameters."""
    with CaptureQueriesContext(connection) as captured:
        assert client.get(path).status_code == 200
    return [query["sql"] for query in captured]


@pytest.mark.parametrize("page", PAGES)
def test_no_page_runs_a_statement_twice(cast: Cast, ids: dict[str, object], page: str) -> None:
    client = sign_in(cast.alice)
    counts = Counter(statements(client, page.format(**ids)))
    assert [statement for statement, count in counts.items() if count > 1] == []


def test_a_library_takes_few_statements(cast: Cast, ids: dict[str, object]) -> None:
    for user in (cast.alice, cast.bob, cast.carol):
        assert len(statements(sign_in(user), "/acme/barcelona")) <= MOST_FOR_A_LIBRARY
