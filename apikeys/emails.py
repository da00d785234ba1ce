"""The mail with the link by which an organization is claimed that was started without an account."""

from functools import partial

from django.conf import settings
from django.template.loader import render_to_string

from raster.mail import send
from raster.workers import mailers


def mail_claim(address: str, claim_url: str) -> None:
    """Mail a link while the caller goes on. The mail carries no text of whoever asked for it."""
    mailers.submit(partial(_send, address, claim_url))


def _send(address: str, claim_url: str) -> None:
    facts = {"claim_url": claim_url, "base_url": settings.BASE_URL}
    send(
        address,
        "An organization on Raster waits for you",
        render_to_string("apikeys/email/claim_message.txt", facts),
        what="The mail with a claim link",
    )
