"""The device flow's page for people."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe


@require_safe
@login_required
def done_page(request: HttpRequest) -> HttpResponse:
    """Say that the device goes on by itself; with ``?denied=1``, that it was refused."""
    return render(request, "connections/device_done.html", {"denied": "denied" in request.GET})
