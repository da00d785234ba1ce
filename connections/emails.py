"""The mail that tells people of a new connection."""

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse

from connections.models import Connection
from connections.trust import plain_text, shown_name, trust_in
from orgs.access import Origin
from raster.mail import send

LONGEST_USER_AGENT = 120


def tell_of_connection(connection: Connection, redirect_uri: str, organizations: list[str], origin: Origin) -> None:
    """Mail a person that an app was connected in their name, and where to end it if that was not them."""
    facts = {
        "app_name": shown_name(connection.client),
        "trust": trust_in(connection.client, redirect_uri),
        "organizations": organizations,
        "connection": connection,
        "by_device": connection.way == Connection.Way.DEVICE,
        "address": origin.address,
        "user_agent": plain_text(origin.user_agent, LONGEST_USER_AGENT),
        "base_url": settings.BASE_URL,
        "apps_url": f"{settings.BASE_URL}{reverse('connected_apps')}",
    }
    send(
        connection.user.email,
        render_to_string("connections/email/connected_subject.txt", facts),
        render_to_string("connections/email/connected_message.txt", facts),
        what="new connection",
        queue=f"user-{connection.user_id}",
    )
