"""The form of what an organization lets its members connect."""

from typing import Any

from django import forms

from connections.contracts import ChangeAppPolicy
from connections.models import AppPolicy
from orgs.access import OrganizationRef


class AppPolicyForm(forms.Form):
    """The two switches, as they are until they are sent."""

    allows_apps = forms.BooleanField(
        label="Members may connect apps",
        required=False,
        help_text="Off: nobody can connect anything new to this organization. What is connected stays until removed.",
    )
    allows_devices = forms.BooleanField(
        label="Members may connect devices with a code",
        required=False,
        help_text="For terminals without a browser. Off: apps connect in the browser alone.",
    )

    def __init__(self, *positional: Any, policy: AppPolicy, **options: Any) -> None:
        super().__init__(*positional, **options)
        self.initial = {"allows_apps": policy.allows_apps, "allows_devices": policy.allows_devices}

    def command(self, organization: OrganizationRef) -> ChangeAppPolicy:
        """Return what to change, once the form is valid."""
        return ChangeAppPolicy(organization_id=organization.slug, **self.cleaned_data)
