"""Plain Django views that answer with the same bytes as tools do, each of one query, and ask for no credential.

They are given what Django does not by itself: threads that keep their connections, without which half of their time
goes into connecting.

``BENCH_CALLS`` says with which arguments the tools are called; the path of a view is the tool's name.
"""

import asyncio
import json
import os
from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import quote

import django

django.setup(set_prefix=False)

from django.conf import settings  # noqa: E402 - needs the settings
from django.core.asgi import get_asgi_application  # noqa: E402
from django.db import connection  # noqa: E402
from django.http import HttpRequest, HttpResponse  # noqa: E402
from django.test import override_settings  # noqa: E402
from django.urls import path  # noqa: E402

from assets.highlights import Highlighter  # noqa: E402
from assets.search_query import Matching, Word  # noqa: E402

CALLS: dict[str, dict[str, Any]] = json.loads(os.environ["BENCH_CALLS"])
#: What the assets of the library are found by in search.
TOKEN = os.environ["BENCH_TOKEN"]
#: What every result says of the server.
META: dict[str, Any] = json.loads(os.environ["BENCH_META"])
PAGE_SIZE = 50
IS_POSTGRESQL = connection.vendor == "postgresql"
JSON_LIST, JSON_ROW = ("jsonb_agg", "jsonb_build_array") if IS_POSTGRESQL else ("json_group_array", "json_array")
#: SQLite forgets on the way that a text is JSON.
JSON = "" if IS_POSTGRESQL else "json"
MOMENT = "(extract(epoch FROM {0}) * 1000)::bigint" if IS_POSTGRESQL else "CAST(strftime('%%s', {0}) AS INTEGER) * 1000"


def columns(table: str) -> str:
    """Return what is read of assets, as a list of SQL."""
    names = ["id", "name", "description", "content_type", "size", "width", "height", "blurhash", "file_name"]
    names += ["parent_id", "uploaded_by_name"]
    moments = [MOMENT.format(f"{table}.{name}") for name in ("created", "updated")]
    tags = (
        f"(SELECT coalesce({JSON_LIST}(text), '[]') FROM (SELECT t.text FROM assets_assettag x "
        f"JOIN assets_tag t ON t.id = x.tag_id WHERE x.asset_id = {table}.id ORDER BY x.id) AS tags)"
    )
    return ", ".join([*(f"{table}.{name}" for name in names), *moments, f"{JSON}({table}.sizes)", tags])


VARIANTS = (
    f"(SELECT coalesce({JSON_LIST}({JSON}(variant)), '[]') FROM (SELECT {JSON_ROW}({columns('v')}) AS variant "
    "FROM assets_asset v WHERE v.parent_id = a.id AND v.trashed IS NULL ORDER BY v.created, v.id) AS variants)"
)
LIBRARY = (
    "library_id = (SELECT l.id FROM orgs_library l JOIN orgs_organization o ON o.id = l.organization_id "
    "WHERE o.slug = %s AND l.slug = %s) AND trashed IS NULL"
)
GET = f"SELECT {columns('a')}, {VARIANTS} FROM assets_asset a WHERE {LIBRARY} AND id = %s"
ORDER = "ORDER BY created DESC, id DESC"
#: The page is chosen first, so that the rest is read of its assets alone.
LIST = (
    f"SELECT {columns('a')}, {VARIANTS}, (SELECT count(*) FROM assets_asset WHERE {LIBRARY} AND parent_id IS NULL) "
    f"FROM (SELECT * FROM assets_asset WHERE {LIBRARY} AND parent_id IS NULL {ORDER} LIMIT {PAGE_SIZE}) a {ORDER}"
)
#: By class of match, the places of the best first; the word is a parameter in each of three fields.
FOUND = (
    "SELECT asset_id, place, CASE WHEN tokens @@ %s::tsquery THEN 9 "
    "WHEN tokens @@ %s::tsquery THEN 6 ELSE 3 END score FROM assets_searchentry WHERE tokens @@ %s::tsquery"
    if IS_POSTGRESQL
    else "SELECT asset_id, place, CASE WHEN instr(' ' || entry.tokens || ' ', %s) THEN 9 "
    "WHEN instr(' ' || entry.tokens || ' ', %s) THEN 6 ELSE 3 END score "
    "FROM assets_search JOIN assets_searchentry entry ON place = assets_search.rowid WHERE assets_search MATCH %s"
)
SEARCH = (
    f"WITH found AS MATERIALIZED ({FOUND}) "
    f"SELECT {columns('a')}, {VARIANTS}, (SELECT count(*) FROM found), shown.score "
    f"FROM (SELECT * FROM found ORDER BY score DESC, place DESC LIMIT {PAGE_SIZE}) shown "
    f"JOIN assets_asset a ON a.id = shown.asset_id ORDER BY shown.score DESC, shown.place DESC"
)


def rows(sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        fetched: list[tuple[Any, ...]] = cursor.fetchall()
    return fetched


def read(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def facts(row: Any, organization: str, library: str) -> dict[str, Any]:
    (
        key,
        name,
        description,
        content_type,
        size,
        width,
        height,
        blurhash,
        file_name,
        parent_id,
        by,
        created,
        updated,
    ) = row[:13]
    base = f"{settings.MEDIA_BASE_URL}/{key}"
    return {
        "id": key,
        "organizationId": organization,
        "libraryId": library,
        "name": name,
        "description": description,
        "tags": read(row[14]),
        "contentType": content_type,
        "size": size,
        "width": width,
        "height": height,
        "blurhash": blurhash,
        "url": f"{base}/{quote(file_name)}",
        "sizes": {width: f"{base}/{width}/{name}" for width, name in read(row[13]).items()},
        "appUrl": f"{settings.BASE_URL}/{organization}/{library}/{key}",
        "type": "main" if parent_id is None else "variant",
        "parentId": parent_id,
        "approval": None,
        "uploadedBy": {"name": by},
        "created": created,
        "updated": updated,
    }


def asset(row: Any, organization: str, library: str) -> dict[str, Any]:
    variants = [facts(variant, organization, library) for variant in read(row[15])]
    return {**facts(row, organization, library), "variants": variants}


def answer(result: dict[str, Any], linked: list[dict[str, Any]]) -> HttpResponse:
    links = [
        {"type": "resource_link", "uri": asset["url"], "name": asset["name"], "mimeType": asset["contentType"]}
        | {"size": asset["size"]}
        for asset in linked
    ]
    content = [{"type": "text", "text": compact(result)}, *links]
    outcome = {"resultType": "complete", "content": content, "isError": False, "structuredContent": result}
    body = {"jsonrpc": "2.0", "id": 1, "result": {**outcome, **META}}
    return HttpResponse(compact(body), content_type="application/json")


def compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def get_asset() -> HttpResponse:
    call = CALLS["get_asset"]
    organization, library = call["organizationId"], call["libraryId"]
    [row] = rows(GET, organization, library, call["assetId"])
    return answer(asset(row, organization, library), [])


def page_of_assets() -> dict[str, Any]:
    call = CALLS["list_assets"]
    organization, library = call["organizationId"], call["libraryId"]
    found = rows(LIST, organization, library, organization, library)
    data = [asset(row, organization, library) for row in found]
    return {"data": data, "page": 1, "pageSize": PAGE_SIZE, "total": found[0][16]}


def list_assets() -> HttpResponse:
    page = page_of_assets()
    return answer(page, page["data"])


def search_assets() -> HttpResponse:
    call = CALLS["search_assets"]
    organization, [library], word = call["organizationId"], call["libraries"], call["q"]
    fields = [f"{letter}{word}" for letter in "ntd"]
    if IS_POSTGRESQL:
        parameters = [*fields[:2], f"{TOKEN} & ({' | '.join(fields)})"]
    else:
        parameters = [f" {field} " for field in fields[:2]] + [f"{TOKEN} AND ({' OR '.join(fields)})"]
    found = rows(SEARCH, *parameters)
    highlighter = Highlighter([Word(word, Matching.BEGINNING)])
    hits = []
    for row in found:
        hit = asset(row, organization, library)
        marked = highlighter.highlights(hit["name"], hit["description"], hit["tags"]).model_dump(mode="json")
        hits.append({**hit, "score": row[17], "highlights": marked})
    return answer({"hits": hits, "found": found[0][16], "foundCapped": False, "page": 1}, hits)


def rest_list() -> HttpResponse:
    result = page_of_assets()
    body = {"data": result.pop("data"), **result}
    return HttpResponse(compact(body), content_type="application/json")


def graphql_list() -> HttpResponse:
    data = page_of_assets()["data"]
    for shown in [*data, *(variant for original in data for variant in original["variants"])]:
        shown["sizes"] = compact(shown["sizes"])
    return HttpResponse(compact({"data": {"assets": data}}), content_type="application/json")


def view(function: Callable[[], HttpResponse]) -> Callable[..., Coroutine[Any, Any, HttpResponse]]:
    """Return a view that has its answer made in a thread that outlives it."""

    async def answering(request: HttpRequest) -> HttpResponse:
        return await asyncio.get_running_loop().run_in_executor(None, function)

    return answering


VIEWS = (get_asset, list_assets, search_assets, rest_list, graphql_list)
urlpatterns = [path(function.__name__, view(function)) for function in VIEWS]
override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=[]).enable()
application = get_asgi_application()
