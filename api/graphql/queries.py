"""The queries: each translates its arguments into one operation."""

from typing import Annotated, Any

import strawberry
from django.db import connection
from pydantic import Field

from api.graphql import types
from api.graphql.context import Info, answers, asset_of, call
from assets.contracts import ListAssets, ListLibraries, ListTags, SearchAssets
from assets.operations.assets import list_assets
from assets.operations.libraries import list_libraries
from assets.operations.search import search_assets
from assets.operations.tags import list_tags
from orgs.contracts import AnyIdentity
from raster.contracts import Contract, read_json


class _FromZero(Contract):
    page: Annotated[int, Field(ge=0, le=999_999)]


def _from_one(page: int) -> int:
    """Return a page that was counted from 0 as the operations count it."""
    return read_json(_FromZero, {"page": page}).page + 1


@strawberry.type(description="What can be read.")
class Query:
    @answers(types.Viewer, "Which organizations and libraries the credential reaches.")
    def viewer(self, info: Info) -> Any:
        principal = info.context.principal
        with connection.cursor() as cursor:
            cursor.execute(principal.identity_statement, [principal.identity_parameter])
            identity = principal.identity(cursor.fetchall())
        return AnyIdentity.model_construct(**{**dict.fromkeys(AnyIdentity.model_fields), **dict(identity)})

    @answers(
        list[types.Library],
        "The libraries of an organization that the credential reaches, by name. Pages count from 0.",
    )
    def libraries(self, info: Info, organization_id: str, page: int = 0, page_size: int = 50) -> Any:
        return call(
            info,
            list_libraries,
            ListLibraries,
            organization_id=organization_id,
            page=_from_one(page),
            page_size=page_size,
        ).data

    @answers(
        list[types.Asset],
        "The assets of a library, newest first; those with any of the tags where some are given. Pages count from 0.",
    )
    def assets(
        self,
        info: Info,
        organization_id: strawberry.ID,
        library_id: strawberry.ID,
        page: int = 0,
        page_size: int = 50,
        tags: list[str] | None = strawberry.UNSET,
    ) -> Any:
        return call(
            info,
            list_assets,
            ListAssets,
            organization_id=organization_id,
            library_id=library_id,
            page=_from_one(page),
            page_size=page_size,
            tags=tags or None,
        ).data

    @answers(types.Asset, "An asset or a variant of a library.")
    def asset(
        self, info: Info, organization_id: strawberry.ID, library_id: strawberry.ID, asset_id: strawberry.ID
    ) -> Any:
        return asset_of(info, organization_id=organization_id, library_id=library_id, asset_id=asset_id)

    @answers(list[types.Tag], "The tags in use in a library, most used first.")
    def tags(self, info: Info, organization_id: strawberry.ID, library_id: strawberry.ID, limit: int = 100) -> Any:
        return call(info, list_tags, ListTags, organization_id=organization_id, library_id=library_id, limit=limit).data

    @answers(
        types.SearchResult,
        "Assets with all of the words in their names, tags or descriptions: best matches first, then "
        "newest. An empty q lists everything, newest first. Pages count from 1.",
    )
    def search_assets(
        self,
        info: Info,
        organization_id: strawberry.ID,
        q: str,
        libraries: list[strawberry.ID] | None = strawberry.UNSET,
        approval: str | None = strawberry.UNSET,
        page: int = 1,
        page_size: int = 50,
    ) -> Any:
        return call(
            info,
            search_assets,
            SearchAssets,
            organization_id=organization_id,
            q=q,
            libraries=libraries,
            approval=approval,
            page=page,
            page_size=page_size,
        )
