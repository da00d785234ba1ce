"""Migrates and fills the database of ``DATABASE_URL``, and prints what a test needs to know: ``python -m …filled``.

It is for databases other than that of the test run.
"""

import json
import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "raster.settings")
django.setup()

from django.conf import settings  # noqa: E402 - needs the settings
from django.core.management import call_command  # noqa: E402
from django.test import Client  # noqa: E402

from orgs.access import Origin, UserPrincipal  # noqa: E402
from tests.api.uploading import make_link  # noqa: E402
from tests.factories import make_cast  # noqa: E402


def main() -> None:
    call_command("migrate", verbosity=0)
    cast = make_cast()
    client = Client()
    client.force_login(cast.alice)
    alice = UserPrincipal(Origin("web"), cast.alice)
    facts = {
        "key": cast.key(barcelona="write").secret,
        "session": client.cookies[settings.SESSION_COOKIE_NAME].value,
        "links": [make_link(alice) for _ in range(3)],
    }
    print(json.dumps(facts))


if __name__ == "__main__":
    main()
