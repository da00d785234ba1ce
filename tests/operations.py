"""The operations of the catalogue as tests call them: well, badly, at a library, and on an asset.

Everything is derived from the rows, so that an operation without a test of access cannot be.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from api.catalogue import OPERATIONS, Operation
from api.examples import ASSET_ID, VARIANT_ID
from assets.contracts import DeleteAssets, UploadAssets
from assets.models import Asset, Tag
from assets.operations.trash import delete_assets
from assets.operations.uploads import check_may_upload, upload_assets
from orgs.access import Principal
from orgs.models import Library, Organization
from raster.contracts import Contract, Record, json_schema
from raster.errors import ApprovalRequiresUser
from tests.factories import OPERATOR, AssetFactory, Cast

#: Operations that find what is in the trash.
IN_TRASH = {"delete_assets", "restore_assets"}


@dataclass(frozen=True)
class Call:
    """A way to run an operation: by its own contract, or by that of its tool."""

    operation: Operation
    takes: type[Contract]
    run: Callable[..., Record]
    example: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.operation.name}, {self.takes.__name__}"

    def at(self, organization: str = "acme", library: str = "barcelona", asset: str = ASSET_ID) -> dict[str, Any]:
        """Return the arguments of its example at another place."""
        instead = {
            "organizationId": organization,
            "libraryId": library,
            "sourceLibraryId": library,
            "targetLibraryId": "paris" if library == "barcelona" else "barcelona",
            "libraries": [library],
            "assetId": asset,
            "parentId": asset,
            "assetIds": [asset],
            "ids": [asset],
        }
        return {name: instead.get(name, value) for name, value in self.example.items()}

    @property
    def key_code(self) -> str:
        """The code that an API key gets which has the level, but is no user; empty where it needs none."""
        return ApprovalRequiresUser.code if ApprovalRequiresUser in self.operation.errors else ""


def _upload_no_file(principal: Principal, command: UploadAssets) -> Record:
    """Upload a form without a file, as far as that comes."""
    check_may_upload(principal, command)
    return upload_assets(principal, command, ())


def _calls() -> Iterator[Call]:
    for operation in OPERATIONS:
        if operation.anonymous:
            continue
        arguments = operation.example.arguments
        mcp = operation.mcp
        has_form = operation.takes_files and operation.rest is not None
        yield Call(operation, operation.takes, _upload_no_file if has_form else operation.run, arguments)
        if mcp is not None and mcp.takes is not None:
            yield Call(operation, mcp.takes, mcp.run or operation.run, {**arguments, **mcp.arguments})


CALLS = list(_calls())
AT_AN_ORGANIZATION = [call for call in CALLS if "organizationId" in call.example]
#: Those that name a library, and need a level on it.
AT_A_LIBRARY = [call for call in CALLS if {"libraryId", "sourceLibraryId", "libraries"} & call.example.keys()]
AT_AN_ASSET = [call for call in AT_A_LIBRARY if ASSET_ID in str(call.example)]
WRITES = [call for call in CALLS if call.operation.writes]


def begin(cast: Cast) -> None:
    """Have in Barcelona what the examples name: an asset with a variant, and nothing else anywhere."""
    Asset.objects.all().delete()
    Tag.objects.all().delete()
    Library.objects.exclude(pk__in=(cast.barcelona.pk, cast.paris.pk, cast.secret.pk)).delete()
    Library.objects.filter(pk=cast.barcelona.pk).update(name="Barcelona")
    Organization.objects.filter(pk=cast.acme.pk).update(storage_used=0)
    AssetFactory(pk=ASSET_ID, library=cast.barcelona, name="Harbor", digest="0" * 64, tagged=["sea", "boat"])
    AssetFactory(pk=VARIANT_ID, library=cast.barcelona, parent_id=ASSET_ID, name="Smaller", digest="f" * 64)


def put_in_trash(*asset_ids: str) -> None:
    """Move assets of Barcelona to the trash."""
    place = {"organizationId": "acme", "libraryId": "barcelona"}
    delete_assets(OPERATOR, DeleteAssets.model_validate({**place, "ids": list(asset_ids)}))


def unreachable(cast: Cast) -> dict[str, tuple[str, str]]:
    """Return organization and library ids that a key of Acme without a grant on Paris must not tell apart."""
    AssetFactory(library=cast.paris, tagged=["secret"])
    AssetFactory(library=cast.secret, tagged=["secret"])
    return {
        "unknown": ("acme", "no-such-one"),
        "of another organization": ("acme", cast.secret.slug),
        "without a grant": ("acme", cast.paris.slug),
    }


def bad_inputs(call: Call) -> Iterator[dict[str, Any]]:
    """Yield arguments that do not fit the contract, each in one way, by what its JSON Schema says."""
    arguments = call.at()
    schema = json_schema(call.takes)
    yield {**arguments, "surprise": 1}
    for name in schema.get("required", ()):
        yield {each: value for each, value in arguments.items() if each != name}
    for name, field in schema["properties"].items():
        for value in _misfits(field):
            yield {**arguments, name: value}


def _misfits(schema: dict[str, Any]) -> Iterator[Any]:
    """Yield values that a JSON Schema does not allow."""
    options = [option for option in schema.get("anyOf", [schema]) if option != {"type": "null"}]
    for option in options[:1]:
        yield [{"of": "another type"}]
        if "enum" in option:
            yield "nonsense"
        if "maxLength" in option:
            yield "x" * (5 * option["maxLength"])
        if option.get("minLength"):
            yield ""
        if "maximum" in option:
            yield option["maximum"] + 1
        if "minimum" in option:
            yield option["minimum"] - 1
        if "maxItems" in option:
            yield ["x"] * (option["maxItems"] + 1)
        if option.get("minItems"):
            yield []
