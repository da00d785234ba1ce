"""What owners and admins do with an organization's API keys."""

from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from apikeys import secrets
from apikeys.contracts import Access, CreateKey, DeleteKey, RegenerateKey, RenameKey, RevealedKey, ScopeKey
from apikeys.models import APIKey, KeyGrant
from orgs import audit
from orgs.access import Level, OrganizationRef, Principal
from raster.errors import BadUserInput, LibraryNotAuthorized, ResourceNotFound

LEVELS: dict[Access, Level | None] = {"none": None, "read": Level.READ, "write": Level.WRITE}


def create_key(principal: Principal, command: CreateKey) -> RevealedKey:
    """Make a key. It reaches nothing but what ``access`` names.

    Raises:
        BadUserInput: the organization has a key of that name.
        LibraryNotAuthorized: a library is unknown; then no key was made.
    """
    organization = principal.managed_organization(command.organization_id)
    generated = secrets.generate()
    days = command.expires_in_days
    try:
        with transaction.atomic():
            key = APIKey.objects.create(
                organization_id=organization.id,
                name=command.name,
                public_id=generated.public_id,
                digest=generated.digest.value,
                pepper=generated.digest.pepper,
                expires=None if days is None else timezone.now() + timedelta(days=days),
                created_by_id=principal.user_id,
                created_by_name=principal.audit_label,
            )
            _, granted = _change_access(principal, organization, key, command.access)
            _record(principal, key, "create", after={"expires": key.expires and key.expires.isoformat(), **granted})
    except IntegrityError:
        raise _name_taken(command.name) from None
    return _revealed(key, generated)


def scope_key(principal: Principal, command: ScopeKey) -> None:
    """Set the key's access to the libraries that are named. It holds from the key's next request on.

    Raises:
        ResourceNotFound: the organization has no such key.
        LibraryNotAuthorized: a library is unknown; then nothing was changed.
    """
    with transaction.atomic():
        organization, key = _locked(principal, command.organization_id, command.key_id)
        before, after = _change_access(principal, organization, key, command.access)
        if after:
            _record(principal, key, "scope", before=before, after=after)


def rename_key(principal: Principal, command: RenameKey) -> None:
    """Give a key another name.

    Raises:
        BadUserInput: another key of the organization has it.
    """
    try:
        with transaction.atomic():
            _, key = _locked(principal, command.organization_id, command.key_id)
            if key.name == command.name:
                return
            _record(principal, key, "rename", before={"name": key.name}, after={"name": command.name})
            key.name = command.name
            key.save(update_fields=["name"])
    except IntegrityError:
        raise _name_taken(command.name) from None


def regenerate_key(principal: Principal, command: RegenerateKey) -> RevealedKey:
    """Give a key a new value; the old one is refused from this moment on. Name, access and history stay."""
    with transaction.atomic():
        _, key = _locked(principal, command.organization_id, command.key_id)
        generated = secrets.generate()
        before = {"public_id": key.public_id}
        key.public_id = generated.public_id
        key.digest, key.pepper = generated.digest
        key.regenerated, key.first_used = timezone.now(), None
        key.save(update_fields=["public_id", "digest", "pepper", "regenerated", "first_used"])
        _record(principal, key, "regenerate", before=before, after={"public_id": key.public_id})
    return _revealed(key, generated)


def delete_key(principal: Principal, command: DeleteKey) -> None:
    """Remove a key: it is refused from this moment on. The audit log keeps its name and public id."""
    with transaction.atomic():
        _, key = _locked(principal, command.organization_id, command.key_id)
        access = {grant.library.slug: Level(grant.level).word for grant in key.grants.select_related("library")}
        _record(principal, key, "delete", before={"access": access})
        key.delete()


def _locked(principal: Principal, organization_slug: str, key_id: int) -> tuple[OrganizationRef, APIKey]:
    organization = principal.managed_organization(organization_slug)
    key = APIKey.objects.select_for_update().filter(organization_id=organization.id, pk=key_id).first()
    if key is None:
        raise ResourceNotFound("API key not found.")
    return organization, key


def _change_access(
    principal: Principal, organization: OrganizationRef, key: APIKey, access: dict[str, Access]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Write the levels that differ from what the key has; return what they were and what they are now."""
    if not access:
        return {}, {}
    reach = principal.libraries().filter(organization_id=organization.id, slug__in=access)
    libraries = dict(reach.values_list("slug", "pk"))
    if len(libraries) != len(access):
        raise LibraryNotAuthorized
    held = dict(KeyGrant.objects.filter(key=key, library__in=libraries.values()).values_list("library", "level"))
    wanted = {libraries[slug]: LEVELS[word] for slug, word in access.items()}
    changed = {library for library, level in wanted.items() if held.get(library) != level}
    KeyGrant.objects.filter(key=key, library__in=changed).delete()
    KeyGrant.objects.bulk_create(
        [KeyGrant(key=key, library_id=pk, level=level) for pk in sorted(changed) if (level := wanted[pk]) is not None]
    )
    slugs = {pk: slug for slug, pk in libraries.items() if pk in changed}
    before = {slug: Level(held[pk]).word if pk in held else "none" for pk, slug in slugs.items()}
    after = {slug: access[slug] for slug in slugs.values()}
    return ({"access": before}, {"access": after}) if changed else ({}, {})


def _revealed(key: APIKey, generated: secrets.GeneratedKey) -> RevealedKey:
    return RevealedKey(
        key_id=key.pk, public_id=key.public_id, name=key.name, secret=generated.text, expires=key.expires
    )


def _name_taken(name: str) -> BadUserInput:
    return BadUserInput(f"This organization already has a key named {name}.")


def _record(principal: Principal, key: APIKey, action: str, **change: dict[str, Any]) -> None:
    audit.record(principal, key.organization_id, f"api_key.{action}", str(key), **change)
