"""Static files: those of a package are what their makers published."""

import re
from hashlib import sha256
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders

#: SHA-256 of what the npm packages graphiql 2.4.7, react 17.0.2 and react-dom 17.0.2 hold.
PUBLISHED = {
    "graphiql.min.js": "9ff2ca6842eea42d47fcf53a8e8cfec9b7912474f6c4275e904b7a39830e3995",
    "graphiql.min.css": "3ac6ccf8b4077271478b4887ec050ab9e66f0dc101a32ff3e2127b8f1d5ca6c3",
    "react.production.min.js": "229bbf4d0e7488209564152c6723497f1ac3934136ca1684233d2fa88fa4146f",
    "react-dom.production.min.js": "9db33292007ab6c38527b39d5663e976a305564e19b2a5a8713ea2b2c00f505d",
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_what_runs_on_the_graphql_page_is_what_its_makers_published(name: str) -> None:
    path = finders.find(f"graphiql/{name}")
    assert path is not None
    published = Path(path).read_bytes()
    if name.startswith("graphiql"):
        published = published.removesuffix(b"\n")  # which packing added
    assert sha256(published).hexdigest() == PUBLISHED[name]


def test_every_static_file_that_a_template_names_is_there() -> None:
    """A file that was not collected is served under its own name, so a misspelled one fails no page."""
    templates = (settings.BASE_DIR / "templates").rglob("*.html")
    named = {name for path in templates for name in re.findall(r"""{% static ['"]([^'"]+)['"]""", path.read_text())}
    assert "css/app.css" in named
    assert [name for name in sorted(named) if finders.find(name) is None] == []
