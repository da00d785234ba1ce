"""The mail with the link by which an organization is claimed that was started without an account."""

import logging
from functools import partial

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.template.loader import render_to_string

from raster.workers import mailers

#: How long one mail may take.
SECONDS = 10

logger = logging.getLogger("raster.apikeys")


def mail_claim(address: str, claim_url: str) -> None:
    """Mail a link while the caller goes on. The mail carries no text of whoever asked for it."""
    mailers.submit(partial(_send, address, claim_url))


def _send(address: str, claim_url: str) -> None:
    facts = {"claim_url": claim_url, "base_url": settings.BASE_URL}
    message = EmailMessage(
        "An organization on Raster waits for you",
        render_to_string("apikeys/email/claim_message.txt", facts).strip(),
        to=[address],
        connection=get_connection(timeout=SECONDS),
    )
    try:
        message.send()
    except OSError as error:  # what smtplib raises, too
        logger.error("The mail with a claim link could not be sent", exc_info=error)
