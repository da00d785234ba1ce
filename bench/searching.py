"""Times searches over made-up assets in the environment's database, prints JSON: ``python -m bench.searching``."""

import json
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

import django

django.setup(set_prefix=False)

from assets.contracts import SearchAssets  # noqa: E402 - needs the settings
from assets.operations.search import search_assets  # noqa: E402
from bench.catalogue import key, vocabulary  # noqa: E402
from orgs.access import OperatorPrincipal, Origin, Principal  # noqa: E402
from orgs.models import Library, Organization  # noqa: E402

QUERIES = 40


def queries(words: list[str]) -> dict[str, list[str]]:
    """Return the kinds of searches."""
    chance = random.Random(4)
    common, middle, rare = words[:20], words[200:600], words[-5000:]
    longer = [word for word in words[100:8000] if len(word) >= 8]

    def mistyped(word: str) -> str:
        at = chance.randrange(1, len(word) - 2)
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]

    def some(choose: list[str]) -> list[str]:
        return [chance.choice(choose) for _ in range(QUERIES)]

    return {
        "nothing asked": [""] * QUERIES,
        "common word": some(common),
        "middle word": some(middle),
        "rare word": some(rare),
        "two common words": [" ".join(chance.sample(common, 2)) for _ in range(QUERIES)],
        "common and middle": [f"{a} {b}" for a, b in zip(some(common), some(middle), strict=True)],
        "common and rare": [f"{a} {b}" for a, b in zip(some(common), some(rare), strict=True)],
        "two middle words": [" ".join(chance.sample(middle, 2)) for _ in range(QUERIES)],
        "first 2 letters": [word[:2] for word in some(words)],
        "first 3 letters": [word[:3] for word in some(words)],
        "first 5 letters": [word[:5] for word in some(longer)],
        "typo": [mistyped(word) for word in some(longer)],
        "typo and common": [f"{mistyped(a)} {b}" for a, b in zip(some(longer), some(common), strict=True)],
        "no such word": [f"qqq{word}" for word in some(words)],
    }


@dataclass(frozen=True)
class Caller:
    name: str
    principal: Principal
    organization: str


def callers() -> list[Caller]:
    """Return who searches: in an organization of half of the assets each, by the libraries that they reach."""
    deep, wide = (Organization.objects.get(slug=slug) for slug in ("deep", "wide"))
    of_deep = list(Library.objects.filter(organization=deep).order_by("-pk"))
    of_wide = list(Library.objects.filter(organization=wide).order_by("pk"))
    return [
        Caller("all of 10 libraries", OperatorPrincipal(Origin("cli")), "deep"),
        Caller("1 of 10 libraries", key(deep, of_deep[:1]), "deep"),
        Caller("7 of 10 libraries", key(deep, of_deep[:7]), "deep"),
        Caller("3 of 10,000 libraries", key(wide, of_wide[:3]), "wide"),
        Caller("9,000 of 10,000 libraries", key(wide, of_wide[:9_000]), "wide"),
        Caller("all of 10,000 libraries", OperatorPrincipal(Origin("cli")), "wide"),
    ]


def timings() -> Iterator[tuple[str, str, list[float]]]:
    """Search, and yield who searched for what, and how many milliseconds each search took."""
    words = vocabulary()
    for caller in callers():
        for kind, texts in queries(words).items():
            taken: list[float] = []
            for text in texts:
                command = SearchAssets(organization_id=caller.organization, q=text)
                begun = time.perf_counter()
                search_assets(caller.principal, command)
                taken.append((time.perf_counter() - begun) * 1000)
            print(".", end="", flush=True, file=sys.stderr)
            yield caller.name, kind, taken


if __name__ == "__main__":
    print(json.dumps(list(timings())))
