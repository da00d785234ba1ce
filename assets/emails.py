"""The mail that tells people what somebody thought of a file of theirs."""

from dataclasses import asdict, dataclass
from functools import partial

from django.conf import settings
from django.template.loader import render_to_string

from accounts.limits import Limit
from raster.mail import send
from raster.workers import mailers

#: Whoever goes on changing a note fills nobody's mailbox.
MAILS = Limit("approval-mail", 5, 3600)


@dataclass(frozen=True, slots=True)
class ApprovalMail:
    """Who judged which asset how, and the address of whoever uploaded it."""

    address: str
    judge: str
    approved: bool
    note: str
    asset: str
    library: str
    app_url: str


def tell_uploader(mail: ApprovalMail, subject: str) -> None:
    """Mail an uploader that their file was approved or needs changes, while the caller goes on.

    ``subject`` is who judges what: about that, a few mails an hour are sent.
    """
    if MAILS.allows(subject):
        mailers.submit(partial(_send, mail))


def _send(mail: ApprovalMail) -> None:
    """Send a mail; one that cannot be sent is written down, and the approval stays."""
    facts = {"mail": asdict(mail), "base_url": settings.BASE_URL}
    send(
        mail.address,
        render_to_string("assets/email/approval_subject.txt", facts),
        render_to_string("assets/email/approval_message.txt", facts),
        what="The mail about an approval",
    )
