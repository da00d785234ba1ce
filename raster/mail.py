"""Mail. It is queued with what it is about and sent by a worker, so that no page waits for a mail server."""

import re
import smtplib
from datetime import timedelta

from django.core.mail import EmailMessage
from django_tasks import DEFAULT_TASK_QUEUE_NAME, task

from raster.tasks.durable import GiveUp, TryAgain

#: As long as the links of django-allauth's mails work.
LIFETIME = timedelta(days=3)
#: The last is about nine hours after the first.
ATTEMPTS = 15
LINK = re.compile(r"\S*://\S*")


def send(address: str, subject: str, body: str, *, what: str, queue: str = DEFAULT_TASK_QUEUE_NAME) -> None:
    """Queue a mail in the caller's transaction; a worker sends it soon after the commit.

    ``what`` it is, and the address, are shown to staff. ``queue`` is whose mail it is, such as an organization's:
    queues take turns.
    """
    deliver.using(queue_name=queue).enqueue(what, address, " ".join(subject.split()), body.strip())


@task(attempts=ATTEMPTS, lifetime=LIFETIME, shown=("what", "address"))
def deliver(what: str, address: str, subject: str, body: str) -> None:
    """Send a mail.

    Raises:
        GiveUp: the server refuses the address or the message.
        TryAgain: the server could not be reached, or is not ready.
    """
    try:
        EmailMessage(subject, body, to=[address]).send()
    except smtplib.SMTPRecipientsRefused as refusal:
        [(code, text)] = refusal.recipients.values()
        reason = _reason(f"{code} {text.decode(errors='replace')}")
        raise (GiveUp if code >= 500 else TryAgain)(reason) from None
    except smtplib.SMTPDataError as refusal:
        raise (GiveUp if refusal.smtp_code >= 500 else TryAgain)(_reason(str(refusal))) from None
    except OSError as error:  # every error of smtplib is one
        raise TryAgain(_reason(f"{type(error).__name__}: {error}")) from None


def _reason(text: str) -> str:
    """Return what a server said, without the links that it may repeat."""
    return "The mail could not be sent. " + LINK.sub("(link)", text)
