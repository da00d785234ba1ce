"""Fills a new database with made-up assets and prints how to ask for them: ``python -m bench.catalogue HOW MANY``.

Of the assets, 10,000 are in one library of an organization, however many there are; the others are in nine more
libraries of it and in ten thousand of another organization. Words are as frequent as in a language: the commonest is
on two fifths of all assets, most are on a few hundred. There are rows alone, no files.
"""

import itertools
import json
import os
import random
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import django

django.setup(set_prefix=False)

from django.core.management import call_command  # noqa: E402 - needs the settings
from django.db import connection, transaction  # noqa: E402
from django.utils import timezone  # noqa: E402

from apikeys.access import KeyPrincipal  # noqa: E402
from apikeys.models import APIKey, KeyGrant  # noqa: E402
from assets.models import Asset, Tag, new_asset_id  # noqa: E402
from assets.search_index import (  # noqa: E402
    DESCRIPTION,
    NAME,
    PLACES,
    PLACES_BEGIN,
    TAG,
    library_token,
    organization_token,
    tag_token,
)
from bench.fill import make_key  # noqa: E402
from orgs.access import Level, OrganizationRef, Origin  # noqa: E402
from orgs.models import Library, Organization  # noqa: E402

WORDS = 24_000
BATCH = 10_000
MAIN = 10_000  # assets of the library that is asked for
DEEP, WIDE = 10, 10_000  # libraries
NAMES, TAGS, ALL = 3, 6, 26  # words of the name, and where the tags and the description end
SECONDS_APART = 95
VARIANT_OF_EVERY = 10
#: Of the words, the one that is searched for over MCP: on a few in a hundred assets.
SEARCHED = 60
FIELDS = [field for field in Asset._meta.concrete_fields if not field.generated]  # noqa: SLF001 - Django's way


def vocabulary() -> list[str]:
    """Return made-up words, the commonest first."""
    chance = random.Random(1)
    words: dict[str, None] = {}
    while len(words) < WORDS:
        syllables = chance.choice([2, 2, 3, 3, 4])
        word = "".join(
            chance.choice("bcdfghjklmnprstvwz") + chance.choice("aeiou") + chance.choice(["", "", "n", "r", "s", "l"])
            for _ in range(syllables)
        )
        words[word] = None
    return list(words)


def texts(words: list[str]) -> Iterator[list[str]]:
    """Yield the words of one asset after the other: those of its name, its tags, the rest of its description."""
    chance = random.Random(2)
    weights = list(itertools.accumulate(1 / (rank + 3) ** 0.9 for rank in range(len(words))))
    while True:
        yield chance.choices(words, cum_weights=weights, k=ALL)


def fill(count: int) -> dict[str, object]:
    """Make organizations, libraries and assets; return a key for the library of 10,000, and what to ask for."""
    chance = random.Random(3)
    words = vocabulary()
    libraries: list[Library] = []
    for slug, number in (("deep", DEEP), ("wide", WIDE)):
        organization = Organization.objects.create(slug=slug, name=slug.title())
        made = [Library(organization=organization, slug=f"{slug}-{n}", name=f"{slug} {n}") for n in range(number)]
        libraries += Library.objects.bulk_create(made, batch_size=1000)
    begun = timezone.now().replace(microsecond=0) - timedelta(seconds=SECONDS_APART * count)
    source = texts(words)
    held: Counter[tuple[int, str]] = Counter()
    tag_ids: dict[tuple[int, str], int] = {}
    columns = pattern()
    for start in range(0, count, BATCH):
        assets, entries, tagged = [], [], []
        for number in range(start, min(start + BATCH, count)):
            library = libraries[_place(number, count, chance)]
            text = next(source)
            tags = list(dict.fromkeys(text[NAMES:TAGS]))
            moment = begun + timedelta(seconds=SECONDS_APART * number)
            asset_id = new_asset_id()
            columns |= {
                "id": asset_id,
                "file": f"originals/{asset_id}",
                "library_id": library.pk,
                "name": " ".join(text[:NAMES]),
            }
            columns |= {"description": " ".join(text[TAGS:]), "digest": str(number), "parent_id": None}
            columns |= {"created": moment, "updated": moment}
            assets.append(tuple(columns.values()))
            tagged += [(columns["id"], tag_ids.setdefault((library.pk, tag), len(tag_ids) + 1)) for tag in tags]
            tokens = {NAME + word for word in text[:NAMES]} | {TAG + word for word in tags}
            tokens |= {DESCRIPTION + word for word in text[TAGS:]} | {tag_token(tag) for tag in tags}
            tokens |= {organization_token(library.organization_id), library_token(library.pk)}
            place = int((moment - PLACES_BEGIN).total_seconds()) * PLACES
            entries.append((columns["id"], library.pk, library.organization_id, place, " ".join(sorted(tokens))))
            held.update((library.pk, word) for word in set(text))
            if library == libraries[0] and chance.randrange(VARIANT_OF_EVERY) == 0:
                columns |= {"parent_id": columns["id"], "id": new_asset_id()}
                assets.append(tuple(columns.values()))
        insert("assets_asset", list(columns), assets)
        insert("assets_searchentry", ["asset_id", "library_id", "organization_id", "place", "tokens"], entries)
        known = Tag.objects.count()
        new = list(itertools.islice(tag_ids.items(), known, None))
        rows = [(tag_id, library_id, word, word) for (library_id, word), tag_id in new]
        insert("assets_tag", ["id", "library_id", "text", "folded"], rows)
        insert("assets_assettag", ["asset_id", "tag_id"], tagged)
        print(f"\r{min(start + BATCH, count):,} assets", end="", flush=True, file=sys.stderr)
    print(file=sys.stderr)
    word_rows = [(library_id, word, word[::-1], assets) for (library_id, word), assets in sorted(held.items())]
    insert("assets_libraryword", ["library_id", "word", "backwards", "assets"], word_rows)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE" if connection.vendor == "sqlite" else "VACUUM ANALYZE")
    return _questions(libraries, words)


def _place(number: int, count: int, chance: random.Random) -> int:
    """Return where an asset goes among the libraries: to the first, to one of its organization, or to the other's."""
    if number % max(count // MAIN, 1) == 0:
        return 0
    return chance.randrange(1, DEEP) if number % 2 else chance.randrange(DEEP, DEEP + WIDE)


def _questions(libraries: list[Library], words: list[str]) -> dict[str, object]:
    main, larger = libraries[0], libraries[1]
    place = {"organizationId": main.organization.slug, "libraryId": main.slug}
    middle = Asset.objects.filter(library=main).main().order_by("id")[0]
    return {
        "token": library_token(main.pk),
        "key": make_key(main.organization, "Bench", [(main, Level.WRITE), (larger, Level.READ)]),
        "questions": {
            "list_assets": place,
            "get_asset": {**place, "assetId": middle.pk},
            "search_assets": {"organizationId": main.organization.slug, "libraries": [main.slug], "q": words[SEARCHED]},
        },
        "larger": {**place, "libraryId": larger.slug},
    }


def pattern() -> dict[str, Any]:
    """Return a row of the table of assets, by its columns, as the database takes it."""
    key = "x" * 22
    asset = Asset(
        file=f"originals/{key}",
        file_name="asset.jpg",
        content_type="image/jpeg",
        size=4_000_000,
        width=4000,
        height=3000,
        blurhash="LEHV6nWB2yk8pyo0adR*.7kCMdnj",
        sizes={str(width): f"{key}-{width}.webp" for width in (320, 640, 1280, 2560)},
        uploaded_by_name="bench",
    )
    asset.created = asset.updated = timezone.now()
    return {str(field.column): field.get_db_prep_save(getattr(asset, field.attname), connection) for field in FIELDS}


def insert(table: str, columns: list[str], rows: list[tuple[Any, ...]]) -> None:
    """Write rows as fast as the database takes them."""
    names = ", ".join(columns)
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        elif rows:
            cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({', '.join(['%s'] * len(columns))})", rows)


def key(organization: Organization, libraries: list[Library]) -> KeyPrincipal:
    """Make a key that reads the libraries."""
    row = APIKey.objects.create(
        organization=organization,
        name=f"Reads {len(libraries)}",
        public_id=f"{organization.pk:04}{len(libraries):06}",
        digest=os.urandom(32),
        pepper=1,
        created_by_name="bench",
    )
    KeyGrant.objects.bulk_create([KeyGrant(key=row, library=library, level=1) for library in libraries])
    return KeyPrincipal(
        origin=Origin("mcp"),
        organizations=(OrganizationRef(organization.pk, organization.slug, organization.name),),
        is_shown_writes=False,
        use_is_due=False,
        key_id=row.pk,
        public_id=row.public_id,
        name=row.name,
    )


if __name__ == "__main__":
    call_command("migrate", verbosity=0)
    print(json.dumps(fill(int(sys.argv[1]))))
