"""The authorization endpoint, and the page on which a person says whether an app may connect."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from csp.decorators import csp_replace
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_safe

from accounts.sessions import digest_of_session
from connections.consent_form import ALL_ORGANIZATIONS, read_answer
from connections.contracts import Allow
from connections.models import Client, DeviceAuthorization
from connections.operations.authorization import (
    RequestOver,
    RequestUnknown,
    allow,
    answered_device,
    begin_again,
    begin_authorization,
    refuse,
    shown,
)
from connections.return_address import place_of, with_answer
from connections.toolkit import AuthorizationRefused, validate_authorization_request
from connections.trust import shown_name
from orgs.principal import principal_for_user
from raster.errors import BadUserInput, LibraryNotAuthorized, OrganizationNotFound

P = ParamSpec("P")
LOGO_SECONDS = 24 * 3600
NOT_THERE_ANY_MORE = "This organization or one of the libraries cannot be chosen. Nothing was connected: choose again."


def careful(view: Callable[Concatenate[HttpRequest, P], HttpResponse]) -> Callable[..., HttpResponse]:
    """Keep a page out of every cache, and its address from whatever it leads to."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        response = view(request, *args, **kwargs)
        response.headers["Cache-Control"] = "no-store"
        response.headers.setdefault("Referrer-Policy", "no-referrer")
        return response

    return guarded


@require_GET  # HEAD would keep a request, and read a document, for an answer that nobody sees
@careful
@login_required
def authorize(request: HttpRequest) -> HttpResponse:
    """Take a client's request, once somebody is signed in, and lead to the page that asks them."""
    try:
        asked = validate_authorization_request(request)
    except AuthorizationRefused as refusal:
        return _tell_refusal(request, refusal)
    request_id = begin_authorization(principal_for_user(request), digest_of_session(request), asked)
    return HttpResponseRedirect(reverse("consent", args=[request_id]), status=303)


# Without form-action: Chromium would block the redirect to the client that answers the form.
@csp_replace({"form-action": None})
@require_http_methods(["GET", "HEAD", "POST"])
@careful
@login_required
def consent(request: HttpRequest, request_id: str) -> HttpResponse:
    """Ask the person, and do what they answer. A request that is over is asked anew, under an id of its own."""
    try:
        if request.method == "POST":
            return _answer(request, request_id)
        return _ask(request, request_id)
    except RequestOver:
        return _ask_again(request, request_id)
    except RequestUnknown:
        return _start_again(request)


@require_safe
@login_required
def client_logo(request: HttpRequest, client_id: int) -> HttpResponse:
    """Serve our copy of a client's logo: whoever looks at our pages is not seen by the client's site."""
    client = get_object_or_404(Client, pk=client_id, source=Client.Source.DOCUMENT, logo__isnull=False)
    headers = {"Cache-Control": f"private, max-age={LOGO_SECONDS}", "X-Content-Type-Options": "nosniff"}
    return HttpResponse(bytes(client.logo or b""), content_type="image/png", headers=headers)


def _ask(
    request: HttpRequest, request_id: str, choices: Allow | None = None, problem: str | None = None
) -> HttpResponse:
    principal = principal_for_user(request)
    asked = shown(principal, digest_of_session(request), request_id, choices)
    if asked.is_named and not asked.organizations:
        return render(request, "connections/organization_unavailable.html", {"consent": asked}, status=404)
    facts = {"consent": asked, "problem": problem, "all_value": ALL_ORGANIZATIONS, "here": principal.origin}
    response = render(request, "connections/consent.html", facts)
    # With "no-referrer" a browser would not say which page its form came from, and it would be refused.
    response.headers["Referrer-Policy"] = "same-origin"
    return response


def _answer(request: HttpRequest, request_id: str) -> HttpResponse:
    principal, session = principal_for_user(request), digest_of_session(request)
    command: Allow | None = None
    try:
        command = read_answer(request.POST, request_id)
        address = allow(principal, session, command) if command else refuse(principal, session, request_id)
    except BadUserInput as refusal:
        return _ask(request, request_id, command, refusal.message)
    except (OrganizationNotFound, LibraryNotAuthorized):
        return _ask(request, request_id, command, NOT_THERE_ANY_MORE)
    if address is None:
        return _device_done(denied=command is None)
    return _to_client(address)


def _ask_again(request: HttpRequest, request_id: str) -> HttpResponse:
    principal, session = principal_for_user(request), digest_of_session(request)
    device = answered_device(principal, session, request_id)
    if device is not None:
        return _device_done(denied=device.state == DeviceAuthorization.State.DENIED)
    try:
        fresh = begin_again(principal, session, request_id)
    except RequestUnknown:
        return _start_again(request)
    messages.info(request, "That page was answered, or was open for too long. Please decide here.")
    return HttpResponseRedirect(reverse("consent", args=[fresh]), status=303)


def _start_again(request: HttpRequest) -> HttpResponse:
    return render(request, "connections/start_again.html", status=404)


def _device_done(*, denied: bool) -> HttpResponse:
    return HttpResponseRedirect(reverse("device_done") + ("?denied=1" if denied else ""), status=303)


def _tell_refusal(request: HttpRequest, refusal: AuthorizationRefused) -> HttpResponse:
    """Say what is wrong with a request, or have its client say it.

    Anybody can register a client or publish a document, and would have people sent anywhere from here. So only what
    the staff registered sends them on; for others they see where they would go, and go there themselves.
    """
    client, redirect_uri = refusal.client, refusal.redirect_uri
    if client is None or redirect_uri is None:
        return render(request, "connections/request_refused.html", {"refusal": refusal}, status=400)
    told = {"error": refusal.error, "error_description": refusal.description, "state": refusal.state}
    address = with_answer(redirect_uri, told)
    if client.source == Client.Source.STAFF:
        return _to_client(address)
    facts = {
        "refusal": refusal,
        "address": address,
        "app_name": shown_name(client),
        "returns_to": place_of(redirect_uri),
    }
    return render(request, "connections/request_refused.html", facts, status=400)


def _to_client(address: str) -> HttpResponse:
    """Send the person on with a GET, whatever they sent. Django's own redirect knows no schemes of programs."""
    return HttpResponse(status=303, headers={"Location": address})
