"""The forms of the API key pages. What a name may be is the contracts' to say."""

import re
import unicodedata
from typing import Any, ClassVar

from django import forms
from django.http import QueryDict

from apikeys.contracts import Access, ClaimOrganization, CreateKey
from apikeys.models import NAME_LENGTH
from apikeys.operations import LEVELS
from orgs.access import OrganizationRef
from raster.contracts import MOST_COMPOSED, read_json
from raster.errors import BadUserInput
from raster.forms import fitting

ACCESS_PREFIX = "access."
HELD = re.compile(r"(?:[a-z0-9-]+:(?:read|write)(?:,|\Z))*")
NEVER = "never"
EXPIRIES = [(NEVER, "Does not expire"), ("30", "In 30 days"), ("90", "In 90 days"), ("365", "In 365 days")]


class ClaimForm(forms.Form):
    """What happens to the key of an organization that is claimed, and who claims it."""

    KEY: ClassVar = [
        ("regenerate", "Regenerate it: whatever uses it stops until it has the new value"),
        ("keep", "Keep it: whoever has it goes on with it"),
    ]

    key = forms.ChoiceField(label="Its API key", choices=KEY, widget=forms.RadioSelect, initial="regenerate")
    is_somebody_else = forms.BooleanField(label="I am somebody else and was given this link", required=False)

    def __init__(self, *arguments: Any, is_theirs: bool, **more: Any) -> None:
        super().__init__(*arguments, **more)
        if is_theirs:
            del self.fields["is_somebody_else"]
        else:
            self.fields["is_somebody_else"].required = True

    def command(self, secret: str) -> ClaimOrganization:
        return ClaimOrganization(
            secret=secret,
            regenerate=self.cleaned_data["key"] == "regenerate",
            is_somebody_else=self.cleaned_data.get("is_somebody_else", False),
        )


class KeyNameField(forms.CharField):
    """A key's name, judged by the contract."""

    def __init__(self, **options: Any) -> None:
        widget = forms.TextInput(attrs={"autocomplete": "off", "maxlength": NAME_LENGTH})
        super().__init__(**{"label": "Name", "widget": widget, **options})

    def clean(self, value: Any) -> str:
        name: str = fitting(CreateKey, "name", super().clean(value))
        return name


class CreateKeyForm(forms.Form):
    """A new key's name and how long it lasts."""

    name = KeyNameField(help_text="What uses it and where, such as “Website CI”.")
    expires_in_days = forms.ChoiceField(choices=EXPIRIES, label="Expires")

    def command(self, organization: OrganizationRef, access: dict[str, Access]) -> CreateKey:
        """Return what to create, with the access of the libraries that were chosen."""
        days = self.cleaned_data["expires_in_days"]
        return read_json(
            CreateKey,
            {
                "organization_id": organization.slug,
                "name": self.cleaned_data["name"],
                "expires_in_days": None if days == NEVER else int(days),
                "access": {slug: word for slug, word in access.items() if word != "none"},
            },
        )


class RenameKeyForm(forms.Form):
    name = KeyNameField()


class DeleteKeyForm(forms.Form):
    """Deletes only what is named in full."""

    name = forms.CharField(
        label="Key name",
        max_length=MOST_COMPOSED * NAME_LENGTH,
        error_messages={"required": "Type the key's name."},
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, *positional: Any, key_name: str, **options: Any) -> None:
        super().__init__(*positional, **options)
        self.key_name = key_name
        self.fields["name"].help_text = f"Type {key_name} to confirm."

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if _as_seen(name) != _as_seen(self.key_name):
            raise forms.ValidationError(f"This is not the key's name, which is {self.key_name}.")
        return name


def _as_seen(name: str) -> str:
    """Return a name as a page shows it, and so as a person types it: composed, with single spaces."""
    return " ".join(unicodedata.normalize("NFC", name).split())


def chosen_access(data: QueryDict) -> dict[str, Access]:
    """Return the level that a sent grant table has for each library.

    Raises:
        BadUserInput: a level is unknown.
    """
    chosen: dict[str, Access] = {}
    for name, word in data.items():
        if name.startswith(ACCESS_PREFIX):
            if word not in LEVELS:
                raise BadUserInput("Access is none, read or write.")
            chosen[name.removeprefix(ACCESS_PREFIX)] = word
    return chosen


def changed_access(data: QueryDict) -> dict[str, Access]:
    """Return the levels that differ from those which the sent grant table was loaded with.

    What was not touched is left out, so that a table from a second tab does not undo what the first one saved.

    Raises:
        BadUserInput: a level is unknown, or the table does not say what it was loaded with.
    """
    loaded = data.get("was")
    if loaded is None or not HELD.fullmatch(loaded):
        raise BadUserInput("This page is out of date: reload it and choose again.")
    was = dict(pair.split(":") for pair in loaded.split(",") if pair)
    return {slug: word for slug, word in chosen_access(data).items() if word != was.get(slug, "none")}
