"""Signing in and everything around it: django-allauth's views under its own names, at this project's paths."""

from allauth.account import views
from django.urls import path, re_path

from accounts.views import login, password_reset, reauthenticate, sign_in_code, signup

urlpatterns = [
    path("login", login, name="account_login"),
    path("login/code", sign_in_code, name="account_sign_in_code"),
    path("logout", views.logout, name="account_logout"),
    path("signup", signup, name="account_signup"),
    path("inactive", views.account_inactive, name="account_inactive"),
    path("reauthenticate", reauthenticate, name="account_reauthenticate"),
    path("confirm-email", views.email_verification_sent, name="account_email_verification_sent"),
    re_path(r"^confirm-email/(?P<key>[-:\w]+)\Z", views.confirm_email, name="account_confirm_email"),
    path("password/reset", password_reset, name="account_reset_password"),
    path("password/reset/done", views.password_reset_done, name="account_reset_password_done"),
    path(
        "password/reset/key/done",
        views.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)\Z",
        views.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
]
