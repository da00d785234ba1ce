"""The Django admin's form for clients, held to the rules that clients which register themselves are held to."""

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError

from connections.metadata import CODE_GRANT, GRANTS, REFRESH_GRANT, ClientMetadata, read_metadata
from connections.models import Client
from connections.protocol import OAuthError

GRANT_NAMES = dict(zip(GRANTS, ("In the browser (authorization code)", "Refresh tokens", "Device codes"), strict=True))


class ClientForm(forms.ModelForm):  # type: ignore[type-arg]  # it takes no argument at run time
    """What staff say of a client. After ``is_valid()``, ``metadata`` holds it as it is kept."""

    redirect_uris = forms.CharField(
        label="return addresses",
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "cols": 80}),
        help_text="One on each line: https, http on localhost, 127.0.0.1 or [::1], or a scheme of the program's own.",
    )
    grant_types = forms.MultipleChoiceField(
        label="grants",
        choices=list(GRANT_NAMES.items()),
        initial=[CODE_GRANT, REFRESH_GRANT],
        widget=forms.CheckboxSelectMultiple,
    )
    metadata: ClientMetadata

    class Meta:
        model = Client
        fields: ClassVar = ["name", "redirect_uris", "authentication", "grant_types", "keys_url", "is_active"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["redirect_uris"] = "\n".join(self.instance.redirect_uris)
        else:
            self.initial["authentication"] = Client.Authentication.BASIC

    def clean_redirect_uris(self) -> list[str]:
        text: str = self.cleaned_data["redirect_uris"]
        return text.split()

    def clean(self) -> dict[str, Any]:
        if "name" not in self.fields or self.errors:
            return self.cleaned_data
        given = {name: getattr(self.instance, name) for name in self.Meta.fields} | self.cleaned_data
        said = {
            "client_name": given["name"],
            "redirect_uris": given["redirect_uris"],
            "grant_types": given["grant_types"],
            "token_endpoint_auth_method": given["authentication"],
            "jwks_uri": given["keys_url"] or None,
            "jwks": {"keys": self.instance.keys} if self.instance.keys else None,
        }
        try:
            self.metadata = read_metadata(said)
        except OAuthError as error:
            raise ValidationError(error.description) from error
        return {**self.cleaned_data, "name": self.metadata.name, "redirect_uris": self.metadata.redirect_uris}
