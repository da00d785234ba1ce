"""Forms of the pages of libraries and assets. What fits, the contracts say."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet

from assets.contracts import (
    DESCRIPTION_LENGTH,
    MOST_TAGS,
    RenameAsset,
    SetAssetApproval,
    TagAssets,
    UpdateAssetDescription,
)
from assets.models import APPROVAL_NOTE_LENGTH, NAME_LENGTH, Asset
from orgs.models import NAME_LENGTH as LIBRARY_NAME_LENGTH
from orgs.models import Library
from raster.forms import fitting

TAGS_LENGTH = 1000
MOST_OFFERED = 200
#: The id of the list of libraries that a typed one is suggested from.
SUGGESTIONS = "libraries"


class RenameForm(forms.Form):
    """Asks for an asset's new name."""

    name = forms.CharField(max_length=NAME_LENGTH, widget=forms.TextInput(attrs={"autocomplete": "off", "dir": "auto"}))

    def clean_name(self) -> Any:
        return fitting(RenameAsset, "name", self.cleaned_data["name"])


class DescriptionForm(forms.Form):
    """Asks for an asset's description, which is kept as it is."""

    description = forms.CharField(
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 4, "dir": "auto", "maxlength": DESCRIPTION_LENGTH}),
    )

    def clean_description(self) -> Any:
        # Browsers send every line break as two characters.
        text = self.cleaned_data["description"].replace("\r\n", "\n")
        return fitting(UpdateAssetDescription, "description", text)


class TagsForm(forms.Form):
    """Asks for tags, separated by commas."""

    tags = forms.CharField(
        max_length=TAGS_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "off", "dir": "auto"}),
        help_text="Separate several by commas.",
        error_messages={"required": "Write which tags."},
    )

    def clean_tags(self) -> Any:
        tags = [tag.strip() for tag in self.cleaned_data["tags"].split(",") if tag.strip()]
        if not tags:
            raise ValidationError("Write which tags.")
        if len(tags) > MOST_TAGS:
            raise ValidationError(f"Up to {MOST_TAGS} tags go at once.")
        return fitting(TagAssets, "tags", tags)


class MoveForm(forms.Form):
    """Asks for the library to move to, among those where the person has write.

    Where there are more than a list can show, it is typed, and the first ones are suggested.
    """

    library = forms.CharField(
        label="Move to", max_length=LIBRARY_NAME_LENGTH, error_messages={"required": "Choose a library."}
    )

    def __init__(
        self, *args: Any, libraries: QuerySet[Library], loaded: list[Library] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.libraries = libraries
        offered = libraries if loaded is None else loaded
        self.offered = [] if self.is_bound else list(offered[: MOST_OFFERED + 1])
        self.is_typed = len(self.offered) > MOST_OFFERED
        if self.is_typed:
            self.offered.pop()
            self.fields["library"].help_text = "Write its id or its name."
            self.fields["library"].widget.attrs |= {"class": "input", "list": SUGGESTIONS}
        else:
            choices = [(library.slug, library.name) for library in self.offered]
            self.fields["library"].widget = forms.Select(choices=choices)

    def clean_library(self) -> Library:
        """Return the library with the id that was sent, or else the only one with that name."""
        sent = self.cleaned_data["library"]
        found = self.libraries.filter(slug=sent).first()
        named = [found] if found else list(self.libraries.filter(name=sent)[:2])
        if not named:
            raise ValidationError("Choose one of the libraries.")
        if len(named) > 1:
            raise ValidationError("Several libraries have this name: write the id of one.")
        return named[0]


class PromoteForm(forms.Form):
    """Says which variant takes the place of its original."""

    variant = forms.CharField(max_length=64)


class ApprovalForm(forms.Form):
    """Asks for a judgement of an asset's file."""

    state = forms.ChoiceField(label="Judgement", choices=Asset.Approval)
    note = forms.CharField(
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 3, "dir": "auto", "maxlength": APPROVAL_NOTE_LENGTH}),
    )

    def clean_note(self) -> Any:
        return fitting(SetAssetApproval, "note", self.cleaned_data["note"].replace("\r\n", "\n"))
