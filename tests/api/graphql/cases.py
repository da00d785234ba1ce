"""One way to ask each field at a library: a field without a case here fails the tests that use them."""

from typing import Any

#: What a field is called with at a library, beside the organization and the library, and what is asked of its answer.
Case = tuple[str, dict[str, Any], str]
ASSET = "a" * 22

READS: dict[str, Case] = {
    "assets": ("", {}, "id"),
    "asset": ("$assetId: ID!", {"assetId": ASSET}, "id"),
    "tags": ("", {}, "id"),
    "searchAssets": ("$q: String!, $libraries: [ID!]", {"q": "secret"}, "found"),
}
WRITES: dict[str, Case] = {
    "deleteAssets": ("$assets: [ID!]!", {"assets": [ASSET]}, "ids"),
    "restoreAssets": ("$assets: [ID!]!", {"assets": [ASSET]}, "ids"),
    "tagAssets": ("$assetIds: [ID!]!, $tags: [String!]!", {"assetIds": [ASSET], "tags": ["new"]}, "taggedCount"),
    "untagAssets": ("$assetIds: [ID!]!, $tags: [String!]!", {"assetIds": [ASSET], "tags": ["sea"]}, "untaggedCount"),
    "renameAsset": ("$assetId: ID!, $name: String!", {"assetId": ASSET, "name": "Changed"}, "id"),
    "updateAssetDescription": (
        "$assetId: ID!, $description: String!",
        {"assetId": ASSET, "description": "Changed"},
        "assetId",
    ),
    "transferAssets": ("$targetLibraryId: ID!, $assetIds: [ID!]!", {"assetIds": [ASSET]}, "transferredCount"),
    "setAssetApproval": ("$assetId: ID!, $state: String!", {"assetId": ASSET, "state": "approved"}, "assetId"),
    "promoteVariant": ("$assetId: ID!, $variantId: ID!", {"assetId": ASSET, "variantId": "b" * 22}, "id"),
    "renameLibrary": ("$name: String!", {"name": "Changed"}, "id"),
}
#: Files come by forms, for which test_uploads.py has the same cases.
BY_FORM = {"uploadAssets"}
AT_A_LIBRARY = {**READS, **WRITES}
AT_AN_ORGANIZATION: dict[str, Case] = {
    "libraries": ("", {}, "id"),
    "createLibrary": ("$name: String!", {"name": "New"}, "id"),
}
AT_NOTHING = {"viewer"}
#: They refuse an API key, once it reaches the library.
PEOPLE_ONLY = {"setAssetApproval"}
#: They find what is in the trash.
IN_TRASH = {"deleteAssets", "restoreAssets"}


def document(name: str, organization: str, library: str = "", asset: str = ASSET) -> tuple[str, dict[str, Any]]:
    """Return the document that asks a field there, and its variables."""
    declared, given, shown = {**AT_A_LIBRARY, **AT_AN_ORGANIZATION}[name]
    variables = {
        key: asset if value == ASSET else [asset] if value == [ASSET] else value for key, value in given.items()
    }
    places = {"organizationId": organization}
    if name == "transferAssets":
        variables["targetLibraryId"] = "paris" if library == "barcelona" else "barcelona"
        places["sourceLibraryId"] = library
    elif name == "searchAssets":
        variables["libraries"] = [library]
    elif name in AT_A_LIBRARY:
        places["libraryId"] = library
    kind = "String!" if name == "libraries" else "ID!"
    head = ", ".join([*(f"${place}: {kind}" for place in places), *filter(None, [declared])])
    passed = ", ".join(f"{argument}: ${argument}" for argument in {**places, **variables})
    word = "mutation" if name in {*WRITES, "createLibrary"} else "query"
    return f"{word} Query({head}) {{ {name}({passed}) {{ {shown} }} }}", {**places, **variables}
