"""A revocation that comes while files are being stored either is seen, or waits until they are stored."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test import RequestFactory

from assets import tickets
from assets.contracts import UploadSource
from assets.models import Asset
from assets.operations.uploads import upload_source
from assets.tickets import read_ticket, upload_ticket
from connections.bearer import principal_for_bearer
from orgs.access import Level, Origin, Principal
from orgs.models import Library
from raster.contracts import read_json
from raster.errors import RasterError
from tests.apikeys.people import sign_in
from tests.assets import pictures
from tests.assets.test_lock_order import closing_its_connection
from tests.factories import Cast
from tests.mcp.test_uploads import BARCELONA, inline
from tests.revocations import REVOCATIONS
from tests.waiting import someone_waits_for_a_lock, wait_until

pytestmark = pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer at a time")
UPLOAD = read_json(UploadSource, {**BARCELONA, "source": inline("sea.svg", pictures.SVG)})
#: What takes a lock on the credential's own row, or on its user's.
LOCKED = ("key regenerated", "key deleted", "key restricted to read", "connection ended", "person deactivated")


@pytest.fixture
def cast(transactional_db: None, cast: Cast) -> Cast:
    """Commit the cast, so that other connections see it."""
    return cast


def principal_of(case: str, cast: Cast) -> Principal:
    return principal_for_bearer(REVOCATIONS[case].credential(cast), Origin("mcp"), "mcp")


@pytest.mark.parametrize("case", REVOCATIONS)
def test_what_is_revoked_while_the_store_waits_is_refused(cast: Cast, case: str) -> None:
    principal = principal_of(case, cast)
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            Library.objects.select_for_update().get(pk=cast.barcelona.pk)
            storing = pool.submit(closing_its_connection, lambda: upload_source(principal, UPLOAD))
            wait_until(someone_waits_for_a_lock)
            REVOCATIONS[case].revoke(cast)
        with pytest.raises(RasterError) as refused:
            storing.result(timeout=60)
    assert refused.value.code == REVOCATIONS[case].code
    assert not Asset.objects.exists()


@pytest.mark.parametrize("case", LOCKED)
def test_a_revocation_waits_until_what_was_confirmed_is_stored(cast: Cast, case: str) -> None:
    principal = principal_of(case, cast)
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            principal.confirm()
            revoking = pool.submit(closing_its_connection, lambda: REVOCATIONS[case].revoke(cast))
            wait_until(someone_waits_for_a_lock)
            assert not revoking.done()
        revoking.result(timeout=60)
    with transaction.atomic(), pytest.raises(RasterError):
        principal.confirm().library("acme", "barcelona", Level.WRITE)


def test_signing_out_waits_until_what_was_confirmed_is_stored(cast: Cast) -> None:
    browser = sign_in(cast.bob)
    request = RequestFactory().get("/")
    request.session, request.user = browser.session, cast.bob
    cookie = f"{settings.SESSION_COOKIE_NAME}={browser.cookies[settings.SESSION_COOKIE_NAME].value}"
    ticket = read_ticket(upload_ticket(request, cast.barcelona))
    principal = tickets.admit(ticket, cookie, Origin("web")).principal
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            principal.confirm()
            signing_out = pool.submit(closing_its_connection, browser.logout)
            wait_until(someone_waits_for_a_lock)
        signing_out.result(timeout=60)
    with transaction.atomic(), pytest.raises(RasterError):
        principal.confirm()
