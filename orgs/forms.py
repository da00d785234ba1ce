"""Forms of the organization pages."""

from collections.abc import Iterable
from typing import Any

from django import forms

from orgs.models import NAME_LENGTH, SLUG_LENGTH, Membership, slug_validator

ROLE_DESCRIPTIONS = {
    Membership.Role.OWNER: "Owner: everything, and makes other owners",
    Membership.Role.ADMIN: "Admin: every library, members and API keys",
    Membership.Role.MEMBER: "Member: only the libraries they have a role in",
}


class NameAndAddressForm(forms.Form):
    """Asks for the name of an organization or a library, and optionally for its slug."""

    name = forms.CharField(max_length=NAME_LENGTH, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    slug = forms.CharField(
        label="Address",
        required=False,
        max_length=SLUG_LENGTH,
        validators=[slug_validator],
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
        help_text="Its id in links and for agents: lower case letters, digits and hyphens. Left empty, it is made of "
        "the name. It cannot be changed later.",
    )

    def clean_slug(self) -> str | None:
        """Return None where the address is left to Raster."""
        return self.cleaned_data["slug"] or None


class RoleForm(forms.Form):
    """Asks for a role among those that the person may give."""

    def __init__(self, *args: Any, roles: Iterable[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(role, ROLE_DESCRIPTIONS[Membership.Role(role)]) for role in roles]
        self.fields["role"] = forms.ChoiceField(choices=choices, widget=forms.RadioSelect)
