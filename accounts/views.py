"""Where signing in differs from django-allauth's views."""

from allauth.account import views
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def password_reset(request: HttpRequest) -> HttpResponse:
    """Ask for an address to send a reset to, or say whom to ask where no mail can be sent."""
    if not settings.MAIL_CONFIGURED:
        return render(request, "account/password_reset.html")
    response: HttpResponse = views.password_reset(request)
    return response
