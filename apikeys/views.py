"""The pages of an organization's API keys, for its owners and admins."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from accounts.recent import ask_to_sign_in_again, recent_sign_in_required, signed_in_recently
from apikeys import once
from apikeys.commands import ready_commands
from apikeys.contracts import Access, DeleteKey, FindClaim, RegenerateKey, RenameKey, RevealedKey, ScopeKey
from apikeys.forms import ClaimForm, CreateKeyForm, DeleteKeyForm, RenameKeyForm, changed_access, chosen_access
from apikeys.grant_table import grant_table
from apikeys.models import APIKey
from apikeys.operations import create_key, delete_key, regenerate_key, rename_key, scope_key
from apikeys.unclaimed import claim_organization, find_claim
from orgs.access import OrganizationRef, Principal
from orgs.principal import principal_for_user
from raster.contracts import read_json
from raster.errors import BadUserInput, EndpointNotFound, LibraryNotAuthorized
from raster.forms import add_problems

P = ParamSpec("P")
page = require_http_methods(["GET", "HEAD", "POST"])


def for_managers(
    view: Callable[Concatenate[HttpRequest, Principal, OrganizationRef, P], HttpResponse],
) -> Callable[..., HttpResponse]:
    """Let owners and admins of the organization in the address see a page; members get a 403, others a 404."""

    @login_required
    @wraps(view)
    def guarded(request: HttpRequest, organization: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        principal = principal_for_user(request)
        return view(request, principal, principal.managed_organization(organization), *args, **kwargs)

    return guarded


@require_safe
@for_managers
def list_page(request: HttpRequest, principal: Principal, organization: OrganizationRef) -> HttpResponse:
    keys = APIKey.objects.filter(organization_id=organization.id).with_access().order_by("name")
    return render(request, "apikeys/list.html", {"organization": organization, "keys": keys})


@page
@for_managers
@recent_sign_in_required
def create_page(request: HttpRequest, principal: Principal, organization: OrganizationRef) -> HttpResponse:
    """Make a key, and show it in the answer."""
    form = CreateKeyForm(request.POST if request.method == "POST" else None)
    chosen = chosen_access(request.POST)
    if form.is_valid():
        try:
            with transaction.atomic():
                once.spend(request.POST.get("nonce", ""), "create", principal, organization)
                revealed = create_key(principal, form.command(organization, chosen))
        except once.AlreadySent:
            return _sent_before(request, organization, "created")
        except once.OutOfDate:
            form.add_error(None, "This form was open for too long. Please send it once more.")
        except BadUserInput as refusal:
            add_problems(form, refusal, "name")
        except LibraryNotAuthorized:
            form.add_error(None, "A library was deleted meanwhile. Please look at the access and send it once more.")
        else:
            return _reveal(request, organization, revealed)
    table = grant_table(principal, organization, chosen=chosen)
    nonce = once.issue("create", principal, organization)
    return render(
        request,
        "apikeys/create.html",
        {"organization": organization, "form": form, "table": table, "nonce": nonce},
    )


@page
@for_managers
def key_page(request: HttpRequest, principal: Principal, organization: OrganizationRef, key_id: int) -> HttpResponse:
    """Show a key and what it reaches; save what it is to reach."""
    key = _key(organization, key_id)
    if request.method == "POST":
        return _save_access(request, principal, organization, key)
    kept = request.session.pop(_kept_choices(key), {})
    return render(
        request,
        "apikeys/key.html",
        {
            "organization": organization,
            "key": key,
            "table": grant_table(principal, organization, key, kept),
            "not_saved_yet": bool(kept),
            "rename_form": RenameKeyForm(initial={"name": key.name}, auto_id="rename_%s"),
            "delete_form": DeleteKeyForm(key_name=key.name, auto_id="delete_%s"),
        },
    )


@page
@for_managers
def rename_page(request: HttpRequest, principal: Principal, organization: OrganizationRef, key_id: int) -> HttpResponse:
    key = _key(organization, key_id)
    form = RenameKeyForm(request.POST if request.method == "POST" else None, initial={"name": key.name})
    if form.is_valid():
        name = form.cleaned_data["name"]
        try:
            rename_key(principal, RenameKey(organization_id=organization.slug, key_id=key.pk, name=name))
        except BadUserInput as refusal:
            add_problems(form, refusal, "name")
        else:
            messages.success(request, f"The key is now named {name}.")
            return redirect("api_key", organization.slug, key.pk)
    return render(request, "apikeys/rename.html", {"organization": organization, "key": key, "form": form})


@page
@for_managers
@recent_sign_in_required
def regenerate_page(
    request: HttpRequest, principal: Principal, organization: OrganizationRef, key_id: int
) -> HttpResponse:
    """Say what a new value does; make it, and show it in the answer."""
    key = _key(organization, key_id)
    action = f"regenerate {key.pk}"
    if request.method == "POST":
        command = RegenerateKey(organization_id=organization.slug, key_id=key.pk)
        try:
            with transaction.atomic():
                once.spend(request.POST.get("nonce", ""), action, principal, organization)
                revealed = regenerate_key(principal, command)
        except once.AlreadySent:
            return _sent_before(request, organization, "regenerated", key)
        except once.OutOfDate:
            messages.info(request, "This page was open for too long. Nothing was changed yet: please confirm it again.")
            return redirect(request.path)
        return _reveal(request, organization, revealed, regenerated=True)
    nonce = once.issue(action, principal, organization)
    return render(request, "apikeys/regenerate.html", {"organization": organization, "key": key, "nonce": nonce})


@page
@for_managers
@recent_sign_in_required
def delete_page(request: HttpRequest, principal: Principal, organization: OrganizationRef, key_id: int) -> HttpResponse:
    key = _key(organization, key_id)
    form = DeleteKeyForm(request.POST if request.method == "POST" else None, key_name=key.name)
    if form.is_valid():
        delete_key(principal, DeleteKey(organization_id=organization.slug, key_id=key.pk))
        messages.success(request, f"{key.name} was deleted. It is refused from now on.")
        return redirect("api_key_list", organization.slug)
    return render(request, "apikeys/delete.html", {"organization": organization, "key": key, "delete_form": form})


@page
@login_required
@recent_sign_in_required
def claim_page(request: HttpRequest, secret: str) -> HttpResponse:
    """Show what a link is for, and let the person take it over: by a POST alone, whoever follows the link."""
    principal = principal_for_user(request)
    try:
        claim = find_claim(principal, FindClaim(secret=secret))
        form = ClaimForm(request.POST if request.method == "POST" else None, is_theirs=claim.is_theirs)
        if form.is_valid():
            claimed = claim_organization(principal, form.command(secret))
            messages.success(request, f"{claim.name} is yours.")
            if claimed.key is None:
                return redirect("organization", claimed.organization_id)
            organization = principal.organization(claimed.organization_id)
            return _reveal(request, organization, claimed.key, regenerated=True)
    except EndpointNotFound as over:
        response = render(request, "apikeys/claim_over.html", {"over": over.message}, status=404)
    except BadUserInput as refusal:
        form.add_error(None, refusal.message)
        response = render(request, "apikeys/claim.html", {"claim": claim, "form": form})
    else:
        response = render(request, "apikeys/claim.html", {"claim": claim, "form": form})
    response.headers["Cache-Control"] = "no-store"
    # Not "no-referrer", with which browsers send no origin along with the form.
    response.headers["Referrer-Policy"] = "same-origin"
    return response


@require_safe
@for_managers
def status(request: HttpRequest, principal: Principal, organization: OrganizationRef, key_id: int) -> HttpResponse:
    """Answer the page that shows a new key whether it was used, and by which client."""
    key = _key(organization, key_id)
    return JsonResponse({"used": key.first_used is not None, "client": key.last_used_client})


def _key(organization: OrganizationRef, key_id: int) -> APIKey:
    keys = APIKey.objects.filter(organization_id=organization.id).with_access()
    key: APIKey = get_object_or_404(keys, pk=key_id)
    return key


def _save_access(
    request: HttpRequest, principal: Principal, organization: OrganizationRef, key: APIKey
) -> HttpResponse:
    changed: dict[str, Access] = changed_access(request.POST)
    if "write" in changed.values() and not signed_in_recently(request):
        request.session[_kept_choices(key)] = changed
        return ask_to_sign_in_again(request, request.path)
    command = {"organization_id": organization.slug, "key_id": key.pk, "access": changed}
    try:
        scope_key(principal, read_json(ScopeKey, command))
    except LibraryNotAuthorized:
        request.session[_kept_choices(key)] = changed
        messages.error(request, "A library was deleted meanwhile, so nothing was saved.")
    else:
        messages.success(request, "Saved. It holds from the key's next request on.")
    return redirect("api_key", organization.slug, key.pk)


def _kept_choices(key: APIKey) -> str:
    """Return where the session keeps choices that could not be saved until they are shown again."""
    return f"api_key_access.{key.pk}"


def _reveal(request: HttpRequest, organization: OrganizationRef, revealed: RevealedKey, **facts: Any) -> HttpResponse:
    """Show a key, in the one answer that ever holds its secret."""
    response = render(
        request,
        "apikeys/revealed.html",
        {
            "organization": organization,
            "revealed": revealed,
            "commands": ready_commands(revealed.secret),
            **facts,
        },
    )
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _sent_before(
    request: HttpRequest, organization: OrganizationRef, what: str, key: APIKey | None = None
) -> HttpResponse:
    facts = {"organization": organization, "what": what, "key": key}
    return render(request, "apikeys/sent_before.html", facts, status=409)
