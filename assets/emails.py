"""The mail that tells people what somebody thought of a file of theirs."""

from dataclasses import asdict, dataclass

from django.conf import settings
from django.template.loader import render_to_string

from accounts.limits import Limit
from raster.mail import send

#: Whoever goes on changing a note fills nobody's mailbox.
MAILS = Limit("approval-mail", 5, 3600)


@dataclass(frozen=True, slots=True)
class ApprovalMail:
    """Who judged which asset how, and the address of whoever uploaded it."""

    organization_id: int
    address: str
    judge: str
    approved: bool
    note: str
    asset: str
    library: str
    app_url: str


def tell_uploader(mail: ApprovalMail, subject: str) -> None:
    """Mail an uploader that their file was approved or needs changes.

    ``subject`` is who judges what: about that, a few mails an hour are sent. In the approval's transaction: if that is
    rolled back, neither is the mail sent nor is it counted.
    """
    if not MAILS.allows(subject):
        return
    facts = {"mail": asdict(mail), "base_url": settings.BASE_URL}
    send(
        mail.address,
        render_to_string("assets/email/approval_subject.txt", facts),
        render_to_string("assets/email/approval_message.txt", facts),
        what="approval",
        queue=f"organization-{mail.organization_id}",
    )
