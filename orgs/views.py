"""The start page, new organizations, and an organization's members."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from accounts.recent import recent_sign_in_required
from orgs.access import Principal
from orgs.contracts import ChangeRole, CreateOrganization, ListMembers, MemberRecord, RemoveMember
from orgs.forms import NameAndAddressForm, RoleForm
from orgs.operations import (
    change_role,
    create_organization,
    list_members,
    list_organizations,
    remove_member,
)
from orgs.principal import principal_for_user
from raster.contracts import read_json
from raster.errors import BadUserInput, Forbidden
from raster.forms import add_problems


def start(request: HttpRequest) -> HttpResponse:
    """Show a person their organizations, and anybody else what this is."""
    if not request.user.is_authenticated:
        return render(request, "orgs/welcome.html")
    return render(request, "orgs/start.html", {"organizations": list_organizations(principal_for_user(request))})


@login_required
def create(request: HttpRequest) -> HttpResponse:
    """Make an organization."""
    form = NameAndAddressForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        principal = principal_for_user(request)
        try:
            made = create_organization(principal, read_json(CreateOrganization, form.cleaned_data), principal.user)
        except BadUserInput as refusal:
            add_problems(form, refusal, None)
        else:
            return redirect("organization", made.id)
    return render(request, "orgs/create.html", {"form": form})


@login_required
def settings(request: HttpRequest, organization: str) -> HttpResponse:
    """Lead to the first of the settings."""
    return redirect("members", organization)


@login_required
def members(request: HttpRequest, organization: str) -> HttpResponse:
    """List who is in an organization."""
    principal = principal_for_user(request)
    context = {
        "organization": principal.managed_organization(organization),
        "members": list_members(principal, ListMembers(organization_id=organization)),
    }
    return render(request, "orgs/members.html", context)


@login_required
@recent_sign_in_required
def member(request: HttpRequest, organization: str, user_id: int) -> HttpResponse:
    """Show a member, and give them another role."""
    principal = principal_for_user(request)
    managed = principal.managed_organization(organization)
    person = _changeable_member(principal, organization, user_id)
    form = RoleForm(
        request.POST if request.method == "POST" else None,
        roles=person.roles_to_give,
        initial={"role": person.role},
    )
    if form.is_valid():
        command = {"organization_id": organization, "user_id": user_id, "role": form.cleaned_data["role"]}
        try:
            change_role(principal, read_json(ChangeRole, command))
        except (BadUserInput, Forbidden) as refusal:
            form.add_error("role", refusal.message)
        else:
            messages.success(request, f"{person.email} has the role {command['role']} now.")
            return redirect("organization" if user_id == principal.user_id else "members", organization)
    return render(request, "orgs/member.html", {"organization": managed, "member": person, "form": form})


@login_required
@recent_sign_in_required
def remove(request: HttpRequest, organization: str, user_id: int) -> HttpResponse:
    """Say what removing a member means, and do it."""
    principal = principal_for_user(request)
    managed = principal.managed_organization(organization)
    person = _changeable_member(principal, organization, user_id)
    refused = None
    if request.method == "POST":
        try:
            remove_member(principal, RemoveMember(organization_id=organization, user_id=user_id))
        except (BadUserInput, Forbidden) as refusal:
            refused = refusal.message
        else:
            messages.success(request, f"{person.email} was removed from {managed.name}.")
            return redirect("start") if user_id == principal.user_id else redirect("members", organization)
    context = {"organization": managed, "member": person, "refused": refused}
    return render(request, "orgs/member_remove.html", context)


def _changeable_member(principal: Principal, organization: str, user_id: int) -> MemberRecord:
    found = list_members(principal, ListMembers(organization_id=organization))
    person = next((record for record in found if record.user_id == user_id), None)
    if person is None:
        raise Http404
    if not person.may_change:
        raise Forbidden("Only an owner makes, changes and removes owners.")
    return person
