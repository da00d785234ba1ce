"""django-allauth's forms in our words: the labels say what a field is for, so no field has a placeholder."""

from typing import Any

from allauth.account.forms import LoginForm, ReauthenticateForm, ResetPasswordForm, ResetPasswordKeyForm, SignupForm
from django import forms
from django.http import HttpRequest

from accounts.models import User

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


class AskForResetForm(_Plain, ResetPasswordForm):  # type: ignore[misc]
    pass


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
        max_length=150, required=False, widget=forms.TextInput(attrs={"autocomplete": "name"}), label="Your name"
    )
    field_order = ("email", "password1", "name")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password1"].help_text = HELP_WITH_CHOOSING

    def custom_signup(self, request: HttpRequest, user: User) -> None:
        """Keep the name; django-allauth calls this with the user it just made."""
        user.name = self.cleaned_data["name"]
        user.save(update_fields=["name"])
