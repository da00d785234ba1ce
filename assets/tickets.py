"""Tickets for uploads from a library's page: proof that the form came from that page, of this person's session.

They go in the form's address, since whether somebody may upload is known before a byte of the form is read; a token
among its fields would come too late. A ticket is of no use without the session's cookie.
"""

from dataclasses import dataclass, field

from django.conf import settings
from django.contrib.auth import get_user
from django.core import signing
from django.http import HttpRequest
from django.http.cookie import parse_cookie

from accounts.models import Session, User
from accounts.sessions import SessionStore, digest, digest_of_session
from assets.admission import Admission
from orgs.access import Level, Origin, UserPrincipal
from orgs.models import Library
from raster.errors import Unauthenticated

SALT = "assets.tickets"
LIFETIME_SECONDS = 12 * 3600
REFUSED = "This page was opened too long ago, or by somebody else. Open the library again, and upload from there."


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a ticket says, whose signature is right."""

    user_id: int
    organization_id: str
    library_id: str
    session_digest: str
    is_fresh: bool


@dataclass(frozen=True)
class TicketPrincipal(UserPrincipal):
    """A user whose upload came with a ticket of a page: as good as the session of that page."""

    ticket: Ticket
    cookies: str = field(repr=False)

    def confirm(self) -> "TicketPrincipal":
        session = Session.objects.select_for_update(no_key=True).filter(session_key=self.ticket.session_digest)
        if not session.exists():
            raise Unauthenticated(REFUSED)
        super().confirm()
        _signed_in(self.ticket, self.cookies)
        return self


def upload_ticket(request: HttpRequest, library: Library) -> str:
    """Return a ticket for the person and session that ask for a page, to upload into a library: see api/uploads.py."""
    said = [request.user.pk, library.organization.slug, library.slug, digest_of_session(request)]
    return signing.dumps(said, salt=SALT)


def read_ticket(text: str) -> Ticket | None:
    """Return what a ticket says, or None where it is none of ours. It lets nobody in by itself."""
    try:
        user_id, organization_id, library_id, session_digest = signing.loads(text, salt=SALT)
    except signing.BadSignature:
        return None
    try:
        signing.loads(text, salt=SALT, max_age=LIFETIME_SECONDS)
    except signing.SignatureExpired:
        is_fresh = False
    else:
        is_fresh = True
    return Ticket(user_id, organization_id, library_id, session_digest, is_fresh)


def admit(ticket: Ticket | None, cookies: str, origin: Origin) -> Admission:
    """Return whom a ticket lets in together with the cookies that came with it, and where to.

    Raises:
        Unauthenticated: it is of another session, of another person, or older than ``LIFETIME_SECONDS``.
        LibraryNotAuthorized, LibraryReadOnly: the person may not upload there any more.
    """
    if ticket is None or not ticket.is_fresh:
        raise Unauthenticated(REFUSED)
    principal = TicketPrincipal(origin, _signed_in(ticket, cookies), ticket, cookies)
    principal.library(ticket.organization_id, ticket.library_id, Level.WRITE)
    return Admission(principal, ticket.organization_id, ticket.library_id)


def _signed_in(ticket: Ticket, cookies: str) -> User:
    """Return the user of a ticket, who is signed in by the cookies that came with it.

    Raises:
        Unauthenticated: they are not, or not in the session that the ticket is of.
    """
    request = request_of(cookies)
    if ticket.session_digest != digest(request.session.session_key or ""):
        raise Unauthenticated(REFUSED)
    # With the checks of Django's own: that the session is there, of this password, and of somebody active.
    user = get_user(request)
    if not isinstance(user, User) or user.pk != ticket.user_id:
        raise Unauthenticated(REFUSED)
    return user


def request_of(cookies: str) -> HttpRequest:
    """Return a request with these cookies and their session, for what Django says of requests."""
    request = HttpRequest()
    request.COOKIES = parse_cookie(cookies)
    request.session = SessionStore(request.COOKIES.get(settings.SESSION_COOKIE_NAME))
    return request
