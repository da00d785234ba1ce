"""What forms take from contracts: which values fit, and why others do not."""

from typing import Annotated, Any

from django import forms
from pydantic import TypeAdapter, ValidationError

from raster.contracts import Contract, problems_of, sentence
from raster.errors import BadUserInput


def fitting(contract: type[Contract], field: str, value: Any) -> Any:
    """Return a value as a contract's field takes it.

    Raises:
        forms.ValidationError: it does not fit; the message says why.
    """
    information = contract.model_fields[field]
    kind: Any = Annotated[information.annotation, *information.metadata]
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        [(_, reason), *_] = problems_of(error)
        raise forms.ValidationError(sentence(reason)) from None


def add_problems(form: forms.Form, refusal: BadUserInput, otherwise: str | None) -> None:
    """Show each problem at its field; those of no field of the form at the field ``otherwise``, or above the form."""
    for field, reason in refusal.problems:
        if field in form.fields:
            form.add_error(field, sentence(reason))
        else:
            form.add_error(otherwise, f"{field}: {reason}" if field else reason)
