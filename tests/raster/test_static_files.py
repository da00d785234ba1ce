"""Static files."""

import re

from django.conf import settings
from django.contrib.staticfiles import finders


def test_every_static_file_that_a_template_names_is_there() -> None:
    """A file that was not collected is served under its own name, so a misspelled one fails no page."""
    templates = (settings.BASE_DIR / "templates").rglob("*.html")
    named = {name for path in templates for name in re.findall(r"""{% static ['"]([^'"]+)['"]""", path.read_text())}
    assert "css/app.css" in named
    assert [name for name in sorted(named) if finders.find(name) is None] == []
