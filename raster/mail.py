"""Sending a mail of our own: what cannot be sent is written down, and whatever it was about stays."""

import logging

from django.core.mail import EmailMessage, get_connection

#: How long one mail may take.
SECONDS = 10

logger = logging.getLogger("raster.mail")


def send(address: str, subject: str, body: str, *, what: str) -> None:
    """Send a mail, in at most a few seconds; ``what`` it is, the log says of one that could not be sent."""
    message = EmailMessage(
        " ".join(subject.split()), body.strip(), to=[address], connection=get_connection(timeout=SECONDS)
    )
    try:
        message.send()
    except OSError as error:  # what smtplib raises, too
        logger.error("%s could not be sent", what, exc_info=error)
