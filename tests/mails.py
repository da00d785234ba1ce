"""Reading the mails that the code under test sent."""

from django.core import mail
from django.core.mail import EmailMessage

from raster.tasks.queue import run_due


def delivered_mails() -> list[EmailMessage]:
    """Deliver what is queued, and return every mail of the test."""
    run_due()
    return list(mail.outbox)
