"""What sign-up asks beyond django-allauth's own fields."""

from django import forms
from django.http import HttpRequest

from accounts.models import User


class SignupForm(forms.Form):
    """Adds the person's name."""

    name = forms.CharField(
        max_length=150, required=False, widget=forms.TextInput(attrs={"autocomplete": "name"}), label="Your name"
    )
    field_order = ("name", "email", "password1")

    def signup(self, request: HttpRequest, user: User) -> None:
        """Keep the name; django-allauth calls this with the user it just made."""
        user.name = self.cleaned_data["name"]
        user.save(update_fields=["name"])
