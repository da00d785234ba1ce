"""What the documentation names is there: tools, codes, settings, commands."""

import json
import re

import pytest
from django.conf import settings as configured
from django.core.management import get_commands
from django.urls import get_resolver
from graphql import build_schema, parse, validate
from pydantic.alias_generators import to_camel

from api.catalogue import VERSIONS
from api.graphql.schema import schema
from api.rest.endpoints import ENDPOINTS
from api.rest.versions import CURRENT
from documentation.made import short_path
from documentation.pages import PAGES
from mcp_gateway.tools import ANONYMOUS_TOOLS, RESOURCES, TOOLS
from raster import environment
from raster.errors import RasterError
from tests.documentation.reading import BASE, text

pytestmark = pytest.mark.once

SKILLS = sorted(path.parent.name for path in (configured.BASE_DIR / "docs" / "skills").glob("*/SKILL.md"))
#: Pages for those who use an installation: what looks like a tool there is one.
USED = ("start", "authentication", "tools", "rest", "graphql", "search", "upload-links", "errors", "limits")
CODE = re.compile(r"`([^`]+)`")
FENCE = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
#: Words of results, and an endpoint.
NO_TOOLS = {"in_review", "needs_changes", "device_authorization"}


def texts() -> dict[str, str]:
    return {slug: text(f"/docs/{slug}.md") for slug in PAGES} | {
        skill: text(f"/.well-known/agent-skills/{skill}/SKILL.md") for skill in SKILLS
    }


@pytest.mark.parametrize("name", [*USED, *SKILLS])
def test_every_tool_that_is_named_is_there(name: str) -> None:
    words = FENCE.sub("", texts()[name].partition("## How it is built")[0])
    named = {word for code in CODE.findall(words) for word in re.findall(r"\b[a-z]+(?:_[a-z]+)+\b", code)}
    assert named - NO_TOOLS <= {*TOOLS, *ANONYMOUS_TOOLS}


def test_every_tool_and_its_arguments_are_described() -> None:
    page = text("/docs/tools.md")
    sections = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", page, re.MULTILINE | re.DOTALL))
    for tool in TOOLS.values():
        assert (tool.definition.description or "") in sections[tool.name]
        for argument in tool.definition.input_schema["properties"]:
            assert f"`{argument}`" in sections[tool.name]
        for field in (tool.definition.output_schema or {})["properties"]:
            assert f"`{field}`" in page
    for resource in RESOURCES:
        assert f"`{resource.template}`" in page


def test_every_error_is_described_and_no_other() -> None:
    described = re.findall(r"^\| `([A-Z_]+)` \| (\d+) \| (.+) \|$", text("/docs/errors.md"), re.MULTILINE)
    assert sorted(described) == sorted(
        (error.code, str(error.status), error.default_message) for error in RasterError.catalogue.values()
    )


def test_every_code_that_is_named_is_in_the_catalogue() -> None:
    for name, words in texts().items():
        named = set(re.findall(r"`([A-Z]+(?:_[A-Z]+)+)`", words))
        codes = {code for code in named if not code.startswith(("RASTER_", "EMAIL_", "AWS_")) and code not in OTHERS}
        assert codes <= set(RasterError.catalogue), name


#: Settings without a prefix of ours, and those of clients.
OTHERS = {
    "SECRET_KEY", "DATABASE_URL", "DEFAULT_FROM_EMAIL", "SSL_CERT_FILE", "API_KEY", "OAUTHLIB_RELAX_TOKEN_SCOPE",
}  # fmt: skip


def test_every_path_of_the_rest_api_that_is_named_is_there() -> None:
    """A path in a sample or in the text; what a shell or a reader fills in stands for any id."""
    written = set()
    for name, words in texts().items():
        for url in re.findall(rf"{BASE}/api(/[^\s`?\"'<>)…]+)", words):
            written.add((name, re.sub(r"\$?[A-Z]{3,}", "id", url).rstrip(".,;")))
    paths = {path for _, path in written} - {"/openapi.json", "/docs"}
    assert len(paths) >= 3
    for path in paths:
        get_resolver("api.rest.urls").resolve(path)


def test_every_endpoint_and_every_root_field_is_described() -> None:
    rest, graphql = text("/docs/rest.md"), text("/docs/graphql.md")
    for endpoint in ENDPOINTS:
        address = short_path(endpoint.rest.path)
        assert re.search(
            rf"^\| `{endpoint.rest.method} {re.escape(address)}` \|.*`{endpoint.name}` \|$", rest, re.MULTILINE
        )
    for root in ("Query", "Mutation"):
        for field in schema.get_type_by_name(root).fields:  # type: ignore[union-attr]
            assert f"| `{to_camel(field.name)}` |" in graphql


def test_the_documents_of_graphql_samples_are_valid() -> None:
    samples = re.findall(r"-[dF] '(?:operations=)?({\"query\".*})'", text("/docs/graphql.md"))
    assert len(samples) == 2
    for sample in samples:
        assert validate(build_schema(schema.as_str()), parse(json.loads(sample)["query"])) == []


def test_the_versions_that_are_named_are_served() -> None:
    for name, words in texts().items():
        assert set(re.findall(r"Api-Version: ([\d-]+)", words)) <= {CURRENT}, name
    assert all(f"| `{version}` |" in text("/docs/rest.md") for version in VERSIONS)


def test_every_setting_that_is_named_is_one() -> None:
    for name, words in texts().items():
        named = set(re.findall(r"\bRASTER_[A-Z_]+[A-Z]\b", words)) - {"RASTER_API_KEY", "RASTER_AUTHORIZATION"}
        assert named <= environment.KNOWN, name


def test_every_command_that_is_named_is_one() -> None:
    for name, words in texts().items():
        assert set(re.findall(r"manage\.py ([a-z_]+)", words)) <= set(get_commands()), name


def test_limits_are_those_of_the_contracts() -> None:
    page = text("/docs/limits.md")
    for row in ("| Files in an upload | 20 |", "| Entries of a page | 500 |", "| A file | 1 GB |"):
        assert row in page
