"""What an upload comes with: a credential in its header or, in its address, an upload link or a page's ticket."""

from abc import ABC, abstractmethod
from typing import ClassVar

from django.contrib import messages
from django.contrib.messages.storage.cookie import CookieStorage
from django.http import HttpResponse

from assets import tickets, upload_links
from assets.admission import Admission
from assets.contracts import Uploaded
from connections.bearer import principal_for_bearer, principal_for_credential
from connections.resources import API
from orgs.access import Origin
from raster.errors import RasterError

#: Of what a person is told on the next page, in a cookie.
MESSAGE_LENGTH = 1000


class Pass(ABC):
    """What an upload comes with. ``face`` is how the audit log calls this way in.

    With ``as_a_whole``, one file that cannot come in fails them all.
    """

    face: ClassVar[str]
    as_a_whole: bool = False

    @abstractmethod
    def admit(self, origin: Origin) -> Admission:
        """Return whom it lets in at this moment. Raises a ``RasterError`` else."""

    @abstractmethod
    def claim(self) -> None:
        """Take it for this upload, where it is good for one alone. Raises a ``RasterError`` if another has it."""

    @abstractmethod
    def give_back(self) -> None:
        """Let it be used again: the upload broke off."""

    def refusal(self, refusal: RasterError) -> RasterError:
        """Return how a refusal of the upload is answered."""
        return refusal

    @abstractmethod
    def page_answer(self, outcome: Uploaded | RasterError) -> HttpResponse | None:
        """Return the answer for a browser that asks for a page, or None where there is none but JSON."""


class BearerPass(Pass):
    """A credential in the header of a request to the REST API."""

    face = "rest"

    def __init__(self, text: str, organization_id: str, library_id: str, *, as_a_whole: bool) -> None:
        self._text = text
        self._place = organization_id, library_id
        self.as_a_whole = as_a_whole

    def admit(self, origin: Origin) -> Admission:
        return Admission(principal_for_bearer(self._text, origin, API), *self._place)

    def claim(self) -> None:
        return

    def give_back(self) -> None:
        return

    def page_answer(self, outcome: Uploaded | RasterError) -> HttpResponse | None:
        return None


class LinkPass(Pass):
    """An upload link."""

    face = "link"

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

    def page_answer(self, outcome: Uploaded | RasterError) -> HttpResponse | None:
        return None


class TicketPass(Pass):
    """The ticket of a library's page, and the cookies that came with it."""

    face = "web"

    def __init__(self, text: str, cookies: str) -> None:
        self._ticket = tickets.read_ticket(text)
        self._cookies = cookies

    def admit(self, origin: Origin) -> Admission:
        return tickets.admit(self._ticket, self._cookies, origin)

    def claim(self) -> None:
        return

    def give_back(self) -> None:
        return

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
