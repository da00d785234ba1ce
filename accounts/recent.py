"""Asking who is there again before something that cannot be taken back."""

import time
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec
from urllib.parse import urlencode

from allauth.account.authentication import get_authentication_records
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

P = ParamSpec("P")


def signed_in_recently(request: HttpRequest) -> bool:
    """Return whether the person proved who they are in the last 15 minutes, by signing in or by doing it again."""
    records = get_authentication_records(request, request.user) if request.user.is_authenticated else []
    newest = max((record["at"] for record in records), default=0)
    return bool(time.time() - newest < settings.RECENT_SIGN_IN_SECONDS)


def ask_to_sign_in_again(request: HttpRequest, back_to: str) -> HttpResponseRedirect:
    """Send the person to prove who they are, and then to ``back_to``: a path that shows a form, never one that acts."""
    return HttpResponseRedirect(f"{reverse('account_reauthenticate')}?{urlencode({'next': back_to})}")


def recent_sign_in_required(
    view: Callable[Concatenate[HttpRequest, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """Let a view run only for somebody who signed in recently.

    A POST that comes too late is not replayed: after signing in again the person sees its form and sends it anew.
    """

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if signed_in_recently(request):
            return view(request, *args, **kwargs)
        if request.method == "POST":
            messages.info(request, "Nothing was changed yet: please confirm it here once more.")
        return ask_to_sign_in_again(request, request.path)

    return guarded
