"""What an upload comes with: a credential in its header or, in its address, an upload link or a page's ticket."""

from django.contrib import messages
from django.contrib.messages.storage.cookie import CookieStorage
from django.http import HttpResponse

from assets import tickets, upload_links
from assets.admission import Admission
from assets.contracts import Uploaded
from connections.bearer import principal_for_credential
from orgs.access import BearerPrincipal, Origin
from raster.errors import RasterError

#: Of what a user is told on the next page, in a cookie.
MESSAGE_LENGTH = 1000


class Pass:
    """What an upload comes with. With ``as_a_whole``, one file that is refused fails them all."""

    as_a_whole: bool = False

    def admit(self, origin: Origin) -> Admission:
        """Return whom it lets in at this moment. Raises a ``RasterError`` otherwise."""
        raise NotImplementedError

    def claim(self) -> None:
        """Take it for this upload, where it is good for one alone. Raises a ``RasterError`` if another has it."""

    def give_back(self) -> None:
        """Let it be used again: the upload broke off."""

    def refusal(self, refusal: RasterError) -> RasterError:
        """Return how a refusal of the upload is answered."""
        return refusal

    def page_answer(self, outcome: Uploaded | RasterError) -> HttpResponse | None:
        """Return the answer for a browser that asks for a page, or None where there is none but JSON."""
        return None


class BearerPass(Pass):
    """A credential in the header of a request to the REST API, which the gate has looked up."""

    def __init__(self, principal: BearerPrincipal, organization_id: str, library_id: str, *, as_a_whole: bool) -> None:
        self._admission = Admission(principal, organization_id, library_id)
        self.as_a_whole = as_a_whole

    def admit(self, origin: Origin) -> Admission:
        return self._admission


class LinkPass(Pass):
    """An upload link."""

    def __init__(self, text: str) -> None:
        self._text = text

    def admit(self, origin: Origin) -> Admission:
        return upload_links.admit(self._text, origin, principal_for_credential)

    def refusal(self, refusal: RasterError) -> RasterError:
        return upload_links.refusal_of_link(refusal)

    def claim(self) -> None:
        upload_links.claim(self._text)

    def give_back(self) -> None:
        upload_links.give_back(self._text)


class TicketPass(Pass):
    """The ticket of a library's page, and the cookies that came with it."""

    def __init__(self, text: str, cookies: str) -> None:
        self._ticket = tickets.read_ticket(text)
        self._cookies = cookies

    def admit(self, origin: Origin) -> Admission:
        return tickets.admit(self._ticket, self._cookies, origin)

    def page_answer(self, outcome: Uploaded | RasterError) -> HttpResponse | None:
        if self._ticket is None:
            return None
        library = f"/{self._ticket.organization_id}/{self._ticket.library_id}"
        answer = HttpResponse(status=303, headers={"Location": library})
        kept = CookieStorage(tickets.request_of(self._cookies))
        if isinstance(outcome, RasterError):
            kept.add(messages.ERROR, outcome.message[:MESSAGE_LENGTH])
        else:
            kept.add(messages.SUCCESS, outcome.response_text[:MESSAGE_LENGTH])
        kept.update(answer)
        return answer
