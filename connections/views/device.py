"""The device flow: where a device begins it, and the pages on which a person answers."""

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_safe

from accounts.sessions import digest_of_session
from connections import scopes, tokens
from connections.client_authentication import authenticate_client
from connections.device_form import CodeForm
from connections.devices import asked_by, start_device
from connections.operations.authorization import begin_authorization
from connections.operations.devices import claim_device
from connections.protocol import OAuthError, check_parameters, oauth_endpoint, origin_of
from orgs.principal import principal_for_user
from raster.errors import BadUserInput, RateLimited
from raster.pages import wait_in_words


@oauth_endpoint("POST")
def device_authorization(request: HttpRequest) -> HttpResponse:
    """Give a device its codes (RFC 8628, section 3.2). Which organizations exist plays no part in it."""
    client = authenticate_client(request)
    check_parameters(request)
    asked = scopes.read_scope(request.POST.get("scope"))
    if asked is None:
        raise OAuthError("invalid_scope", "None of these scopes is known here.")
    named = request.POST.getlist("resource")
    row = tokens.row_of_all(named) if named else ""
    if row is None:
        raise OAuthError("invalid_target", "This server does not serve that resource.")
    started = start_device(client, asked, row, origin_of(request))
    page = f"{settings.BASE_URL}{reverse('device')}"
    return JsonResponse(
        {
            "device_code": started.device_code,
            "user_code": started.user_code,
            "verification_uri": page,
            "verification_uri_complete": f"{page}?{urlencode({'code': started.user_code})}",
            "expires_in": started.expires_in,
            "interval": started.interval,
        }
    )


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def code_page(request: HttpRequest) -> HttpResponse:
    """Ask for the code that a device shows, and lead to the consent page. ``?code=`` only fills the field in."""
    form = CodeForm(request.POST) if request.method == "POST" else CodeForm.filled_in(request.GET.get("code", ""))
    retry_after = None
    if form.is_valid():
        principal = principal_for_user(request)
        try:
            device = claim_device(principal, form.cleaned_data["code"])
        except BadUserInput as error:
            form.add_error("code", error.message)
        except RateLimited as error:
            form.add_error("code", wait_in_words(error.retry_after))
            retry_after = error.retry_after
        else:
            request_id = begin_authorization(principal, digest_of_session(request), asked_by(device))
            return redirect("consent", request_id)
    page = render(request, "connections/device.html", {"form": form}, status=429 if retry_after else 200)
    if retry_after:
        page.headers["Retry-After"] = str(retry_after)
    return page


@require_safe
@login_required
def done_page(request: HttpRequest) -> HttpResponse:
    """Say that the device goes on by itself; with ``?denied=1``, that it was refused."""
    return render(request, "connections/device_done.html", {"denied": "denied" in request.GET})
