"""Finding the client that a request names."""

from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from connections.documents import find_document_client, is_document_url
from connections.models import CLIENT_ID_LENGTH, Client

USE_INTERVAL = timedelta(minutes=1)


def find_client(client_id: str, *, address: str) -> Client | None:
    """Return the active client of this id, or None. Call it outside of a transaction: it may fetch a document.

    ``address`` is that of the request, whose readings of new documents are counted.

    Raises:
        RateLimited: there were too many of them.
    """
    if not client_id.isascii() or not client_id.isprintable() or len(client_id) > CLIENT_ID_LENGTH:
        return None
    client = Client.objects.filter(client_id=client_id).exclude(source=Client.Source.DOCUMENT).first()
    if client is not None:
        return client if client.is_active else None
    return find_document_client(client_id, address=address) if is_document_url(client_id) else None


def note_use(client: Client) -> None:
    """Write down that a client asked a person, began a device or got a token, once a minute at most.

    Not that somebody named it: the id of a public client is no secret.
    """
    now = timezone.now()
    due = Q(last_used=None) | Q(last_used__lt=now - USE_INTERVAL)
    if client.last_used is None or client.last_used < now - USE_INTERVAL:
        Client.objects.filter(due, pk=client.pk).update(last_used=now)
