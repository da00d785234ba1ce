"""The form into which a person types the code that their device shows."""

from django import forms

from connections.secrets import user_code_digest

LONGEST_CODE = 40  # eight letters, and room for what people put between them


class CodeForm(forms.Form):
    """Case, dashes and spaces do not matter."""

    code = forms.CharField(
        label="Code",
        max_length=LONGEST_CODE,
        help_text="Eight letters, as your device shows them.",
        error_messages={"required": "Type the code that your device shows."},
        widget=forms.TextInput(
            attrs={
                "autocomplete": "off",
                "autocapitalize": "characters",
                "autocorrect": "off",
                "spellcheck": "false",
                "placeholder": "XXXX-XXXX",
                "class": "user-code",
                "autofocus": True,
            }
        ),
    )

    @classmethod
    def filled_in(cls, code: str) -> "CodeForm":
        """Return the form with a code in it that the person has yet to send; text that is no code is left out."""
        return cls(initial={"code": code} if user_code_digest(code[:LONGEST_CODE]) else {})
