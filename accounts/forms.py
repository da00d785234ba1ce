"""django-allauth's forms in our words: the labels say what a field is for, so no field has a placeholder."""

from typing import Any

from allauth.account.forms import LoginForm, ReauthenticateForm, ResetPasswordForm, ResetPasswordKeyForm, SignupForm
from django import forms
from django.http import HttpRequest

from accounts.known_browsers import known_browser
from accounts.limits import Limit, subject_of_request
from accounts.models import NAME, NAME_LENGTH, User
from accounts.sign_in import account_subject
from raster.contracts import sentence

#: A day: anybody can ask for anybody's address. All of the links that were mailed work until one is used.
RESETS_OF_ACCOUNT = Limit("password resets of account", 5, 24 * 3600)
RESETS_WITHOUT_ACCOUNT = Limit("password resets without account", 1, 24 * 3600)
RESETS_OF_ADDRESS = Limit("password resets of address", 20, 60)
LONGEST_CODE = 40  # eight letters, and room for what people put between them
HELP_WITH_CHOOSING = "At least 8 characters. Common passwords and parts of your address are refused."


class _Plain:
    """Takes the placeholders off a form's fields."""

    fields: dict[str, forms.Field]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs.pop("placeholder", None)


class SignInForm(_Plain, LoginForm):  # type: ignore[misc]  # allauth ships no types for it
    pass


class SignInAgainForm(_Plain, ReauthenticateForm):  # type: ignore[misc]
    pass


class CodeForm(forms.Form):
    """Takes the code that was mailed. Case, dashes and spaces do not matter."""

    code = forms.CharField(
        max_length=LONGEST_CODE,
        error_messages={"required": "Enter the code from the message."},
        widget=forms.TextInput(
            attrs={
                "autocomplete": "one-time-code",
                "autocapitalize": "characters",
                "autocorrect": "off",
                "spellcheck": "false",
                "class": "user-code",
                "autofocus": True,
            }
        ),
    )


class AskForResetForm(_Plain, ResetPasswordForm):  # type: ignore[misc]
    """Mails a link to choose a new password. The answer is the same when no more is mailed today."""

    def save(self, request: HttpRequest, **kwargs: Any) -> str:
        """Mail the link, unless the address got enough mail today.

        Raises:
            RateLimited: too many were asked for from this IP address.
        """
        email: str = self.cleaned_data["email"]
        browser = known_browser(request, email)
        if browser is None:
            RESETS_OF_ADDRESS.hit(subject_of_request(request))
        limit = RESETS_OF_ACCOUNT if self.users else RESETS_WITHOUT_ACCOUNT
        if limit.allows(browser or account_subject(email)):
            super().save(request, **kwargs)
        return email


class NewPasswordForm(_Plain, ResetPasswordKeyForm):  # type: ignore[misc]
    """Takes a new password twice."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password1"].label = "New password"
        self.fields["password1"].help_text = HELP_WITH_CHOOSING
        self.fields["password2"].label = "New password, again"


class SignUpForm(_Plain, SignupForm):  # type: ignore[misc]
    """Adds the person's name."""

    name = forms.CharField(
        max_length=NAME_LENGTH,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        label="Your name",
    )
    field_order = ("email", "password1", "name")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password1"].help_text = HELP_WITH_CHOOSING

    def clean_name(self) -> str:
        try:
            return NAME.check(self.cleaned_data["name"])
        except ValueError as refusal:
            raise forms.ValidationError(sentence(str(refusal))) from None

    def custom_signup(self, request: HttpRequest, user: User) -> None:
        """Keep the name; django-allauth calls this with the user it just made."""
        user.name = self.cleaned_data["name"]
        user.save(update_fields=["name"])
