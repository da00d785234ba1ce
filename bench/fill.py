"""Fills a new database with made-up rows and prints the credentials to use: ``python -m bench.fill SIZE``."""

import json
import sys
from dataclasses import asdict, dataclass
from datetime import timedelta

import django

django.setup(set_prefix=False)

from django.core.management import call_command  # noqa: E402 - needs the settings
from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402

from apikeys import secrets  # noqa: E402
from apikeys.models import APIKey, KeyGrant  # noqa: E402
from assets.models import Asset  # noqa: E402
from connections.models import Client  # noqa: E402
from connections.secrets import Pair  # noqa: E402
from orgs.models import Library, LibraryMembership, Membership, Organization  # noqa: E402
from tests.connections.factories import connect, make_client, tokens_of  # noqa: E402
from tests.factories import UserFactory  # noqa: E402

TARGET = 5  # the library that get_asset asks for


@dataclass(frozen=True)
class Size:
    """How much a database holds."""

    keys: int
    hot_keys: int
    libraries: int
    grants: int


SIZES = {
    "small": Size(keys=10, hot_keys=10, libraries=10, grants=1),
    "large": Size(keys=1_000_000, hot_keys=100, libraries=10_000, grants=10_000),
}
#: Rows that nobody uses: their digests are no key's.
BULK = {
    "sqlite": """
        WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < %s)
        INSERT INTO apikeys_apikey (organization_id, name, public_id, digest, pepper, created, created_by_name,
                                    last_used_address, last_used_client)
        SELECT %s, 'Bulk ' || n, substr(hex(randomblob(2)) || printf('%%07d', n), 2, 10), randomblob(32), 1,
               CURRENT_TIMESTAMP, 'operator', '', '' FROM numbers
    """,
    "postgresql": """
        INSERT INTO apikeys_apikey (organization_id, name, public_id, digest, pepper, created, created_by_name,
                                    last_used_address, last_used_client)
        SELECT o, 'Bulk ' || n, substr(md5(n::text), 1, 3) || lpad(n::text, 7, '0'),
               decode(md5(n::text) || md5((n + 1)::text), 'hex'), 1, now(), 'operator', '', ''
        FROM (SELECT generate_series(1, %s) AS n, %s AS o) AS numbers
    """,
}


def make_key(organization: Organization, name: str, levels: list[tuple[Library, int]]) -> str:
    """Make a key with grants and return its text."""
    generated = secrets.generate()
    key = APIKey.objects.create(
        organization=organization,
        name=name,
        public_id=generated.public_id,
        digest=generated.digest.value,
        pepper=generated.digest.pepper,
        created_by_name="operator",
    )
    KeyGrant.objects.bulk_create(
        [KeyGrant(key=key, library=library, level=level) for library, level in levels], batch_size=1000
    )
    return generated.text


def make_tokens(organization: Organization, client: Client, roles: list[tuple[Library, str]]) -> Pair:
    """Connect a new member with roles in libraries; return their tokens, of which the first lasts for days."""
    member = Membership.objects.create(organization=organization, user=UserFactory(), role=Membership.Role.MEMBER)
    for library, role in roles:
        LibraryMembership.objects.create(membership=member, library=library, role=role)
    return tokens_of(connect(member.user, client, organization), expires=timezone.now() + timedelta(days=7))


def fill(size: Size) -> dict[str, object]:
    """Fill the database; return the keys, the tokens that reach the same as they do, and the arguments of get_asset."""
    home = Organization.objects.create(slug="home", name="Home")
    pair = [Library.objects.create(organization=home, slug=slug, name=slug.title()) for slug in ("one", "two")]
    hot = [make_key(home, f"Hot {number}", [(pair[0], 1), (pair[1], 2)]) for number in range(size.hot_keys)]
    client = make_client()
    roles = [(pair[0], LibraryMembership.Role.VIEWER.value), (pair[1], LibraryMembership.Role.EDITOR.value)]
    tokens = [make_tokens(home, client, roles) for _ in range(size.hot_keys)]

    wide = Organization.objects.create(slug="wide", name="Wide")
    libraries = Library.objects.bulk_create(
        [Library(organization=wide, slug=f"library-{n:05}", name=f"Library {n}") for n in range(size.libraries)],
        batch_size=1000,
    )
    target = libraries[TARGET]
    asset = Asset.objects.create(
        library=target, name="Asset", file="none", file_name="asset.jpg", content_type="image/jpeg", size=1, digest="0"
    )
    others = [library for library in libraries if library != target][: size.grants - 1]
    one = make_key(wide, "One", [(target, 1)])
    many = make_key(wide, "Many", [(library, 1) for library in [target, *others]])

    bulk = Organization.objects.create(slug="bulk", name="Bulk")
    unused = size.keys - size.hot_keys
    if unused > 0:
        with connection.cursor() as cursor:
            cursor.execute(BULK[connection.vendor], [unused, bulk.pk])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    arguments = {"organizationId": wide.slug, "libraryId": target.slug, "assetId": asset.pk}
    return {
        "hot": hot,
        "tokens": [token.access for token in tokens],
        "refresh_token": tokens[0].refresh,
        "client_id": client.client_id,
        "one": one,
        "many": many,
        "arguments": arguments,
        "size": asdict(size),
    }


if __name__ == "__main__":
    call_command("migrate", verbosity=0)
    print(json.dumps(fill(SIZES[sys.argv[1]])))
