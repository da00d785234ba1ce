"""The mail with the link by which an organization is claimed that was started without an account."""

from django.conf import settings
from django.template.loader import render_to_string

from raster.mail import send


def mail_claim(address: str, claim_url: str, organization_id: int) -> None:
    """Mail a link. The mail holds no text that the requester chose."""
    facts = {"claim_url": claim_url, "base_url": settings.BASE_URL}
    send(
        address,
        "An organization on Raster waits for you",
        render_to_string("apikeys/email/claim_message.txt", facts),
        what="claim link",
        queue=f"organization-{organization_id}",
    )
