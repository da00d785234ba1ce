"""What lists say of an app: its name, how sure it is who it is, and where it returns to."""

from connections.contracts import AppFacts
from connections.models import Client
from connections.return_address import place_of
from connections.trust import Kind, host_of, shown_name, trust_in

LEAST_SURE_FIRST = list(reversed(Kind))
MOST_PLACES = 3


def app_facts(client: Client) -> AppFacts:
    """Return what is known of an app.

    A connection does not keep which of the app's addresses it was made through, so the least sure of them counts.
    """
    kinds = [trust_in(client, uri).kind for uri in client.redirect_uris or [""]]
    least_sure = min(kinds, key=LEAST_SURE_FIRST.index)
    return AppFacts(name=shown_name(client), trust=_trust(client, least_sure), returns_to=_places(client))


def _trust(client: Client, kind: Kind) -> str:
    if kind is Kind.VERIFIED_DOMAIN:
        return f"Verified domain: {host_of(client.client_id)}."
    if kind is Kind.STAFF:
        return "Registered by the staff of this installation."
    if kind is Kind.SELF_NAMED:
        return "Not verified: it named itself."
    return f"An app of {host_of(client.client_id)}, or a program that claims to be it."


def _places(client: Client) -> str:
    """Return the hosts and programs that an app returns to, without the words that lead to them."""
    places = [place_of(uri) for uri in client.redirect_uris]
    programs = "programs on a computer" if any(place.is_on_this_computer for place in places) else ""
    hosts = list(dict.fromkeys(place.host for place in places if not place.is_on_this_computer))
    more = f"{len(hosts) - MOST_PLACES} more" if len(hosts) > MOST_PLACES else ""
    named = [part for part in (*hosts[:MOST_PLACES], more, programs) if part]
    return f"{', '.join(named[:-1])} and {named[-1]}" if len(named) > 1 else "".join(named)
