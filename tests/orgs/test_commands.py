"""The operator's commands on organizations and members: results on stdout, words on stderr, 0 only on success."""

import io
from collections.abc import Callable

import pytest
from allauth.account.models import EmailAddress
from django.core.management import CommandError, call_command

from accounts.models import User
from accounts.people import verify_address
from orgs.access import Origin, UserPrincipal
from orgs.contracts import LimitOrganization
from orgs.models import AuditEntry, Library, LibraryMembership, Membership, Organization
from orgs.operations import limit_organization
from raster.errors import Forbidden
from tests.factories import PASSWORD, Cast, give_password

pytestmark = pytest.mark.django_db
Run = Callable[..., tuple[str, str]]


@pytest.fixture
def cast(cast: Cast) -> Cast:
    """The cast, whose addresses are confirmed."""
    for user in (cast.alice, cast.bob, cast.carol, cast.dave):
        verify_address(user)
    return cast


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command with a line of standard input; return what it wrote to stdout and stderr."""

    def run_command(*arguments: str, stdin: str = "") -> tuple[str, str]:
        out, err = io.StringIO(), io.StringIO()
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        call_command(*arguments, stdout=out, stderr=err)
        return out.getvalue(), err.getvalue()

    return run_command


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["create_organization", "Admin", "--owner", "new@example.com"], "admin cannot be used"),
        (["create_organization", "Globex", "--owner", "alice@example.com"], "globex cannot be used"),
        (["create_organization", "A", "--slug", "No Slug", "--owner", "a@example.com"], "slug: string should match"),
        (["create_organization", "New", "--owner", "no address"], "Enter a valid email address"),
        (["add_member", "unknown", "bob@example.com"], "Organization not found"),
        (["add_member", "acme", "bob@example.com", "--library", "secret=editor"], "no such library"),
        (["add_member", "acme", "bob@example.com", "--library", "barcelona"], "not of the form library=level"),
        (["add_member", "acme", "bob@example.com", "--library", "barcelona=boss"], "libraries.barcelona: "),
        (["add_member", "acme", "alice@example.com", "--role", "member"], "at least one owner"),
        (["limit_organization", "unknown", "--libraries", "3"], "Organization not found"),
        (["limit_organization", "acme", "--storage", "much"], "--storage is 'much'; it takes a size"),
        (["limit_organization", "acme", "--libraries", "-1"], "libraries: "),
        (["remove_member", "acme", "alice@example.com"], "at least one owner"),
        (["remove_member", "unknown", "bob@example.com"], "Organization not found"),
        (["create_library", "unknown", "Lisbon"], "Organization not found"),
        (["create_library", "acme", "Settings", "--slug", "settings"], "Choose another slug"),
    ],
)
def test_a_refusal_is_a_sentence_and_changes_nothing(run: Run, cast: Cast, arguments: list[str], sentence: str) -> None:
    before = [model.objects.count() for model in (User, Organization, Membership, LibraryMembership, AuditEntry)]
    with pytest.raises(CommandError, match=sentence):
        run(*arguments)
    assert before == [
        model.objects.count() for model in (User, Organization, Membership, LibraryMembership, AuditEntry)
    ]


@pytest.mark.parametrize("stdin", [(), ("--password-stdin",)])
@pytest.mark.parametrize(
    "arguments",
    [["add_member", "acme", "dave@example.com"], ["create_organization", "New", "--owner", "Dave@Example.com"]],
)
def test_an_account_whose_address_nobody_confirmed_is_not_taken_for_the_person(
    run: Run, cast: Cast, arguments: list[str], stdin: tuple[str, ...]
) -> None:
    """Neither as it is after signing up, nor where no row says anything of the address."""
    give_password(cast.dave)
    for addresses in (EmailAddress.objects.filter(user=cast.dave), EmailAddress.objects.none()):
        addresses.update(verified=False)
        with pytest.raises(CommandError, match=r"reset its password.* Then run this command again\."):
            run(*arguments, *stdin, stdin="another long password\n")
        EmailAddress.objects.filter(user=cast.dave).delete()
    assert not Membership.objects.filter(user=cast.dave).exclude(organization=cast.globex).exists()
    assert User.objects.get(pk=cast.dave.pk).check_password(PASSWORD)


def test_the_person_is_added_once_they_confirmed_the_address(run: Run, cast: Cast) -> None:
    EmailAddress.objects.filter(user=cast.dave).update(verified=False)
    verify_address(cast.dave)
    run("add_member", "acme", "dave@example.com")
    assert Membership.objects.filter(organization=cast.acme, user=cast.dave).exists()


@pytest.mark.parametrize("password", ["", "short", "password1", "new@example.com"])
def test_a_password_that_the_validators_refuse_makes_no_user(run: Run, password: str) -> None:
    with pytest.raises(CommandError):
        run("create_organization", "New", "--owner", "new@example.com", "--password-stdin", stdin=f"{password}\n")
    assert not User.objects.exists()


def test_an_organization_is_made_with_an_owner_who_can_sign_in(run: Run) -> None:
    out, _ = run("create_organization", "Acme", "--owner", "Eve@Example.com", "--password-stdin", stdin=f"{PASSWORD}\n")
    assert out == "acme\n"
    eve = User.objects.get(email="eve@example.com")
    assert eve.check_password(PASSWORD)
    assert EmailAddress.objects.get(user=eve, verified=True, primary=True).email == eve.email
    assert Membership.objects.get(organization__slug="acme").role == Membership.Role.OWNER


def test_making_an_organization_again_prints_the_same_and_keeps_the_password(run: Run) -> None:
    first = run("create_organization", "Acme", "--owner", "eve@example.com", "--password-stdin", stdin=f"{PASSWORD}\n")
    out, err = run(
        "create_organization", "Acme", "--owner", "eve@example.com", "--password-stdin", stdin="another one\n"
    )
    assert out == first[0] == "acme\n"
    assert "keeps its password" in err
    assert User.objects.get().check_password(PASSWORD)


def test_a_person_without_a_password_is_told_of(run: Run, cast: Cast) -> None:
    out, err = run("add_member", "acme", "eve@example.com")
    assert out == ""
    assert "eve@example.com has no password yet" in err
    assert not User.objects.get(email="eve@example.com").has_usable_password()


def test_adding_a_member_again_sets_their_roles(run: Run, cast: Cast) -> None:
    run("add_member", "acme", "dave@example.com", "--library", "barcelona=viewer")
    run("add_member", "acme", "dave@example.com", "--role", "admin", "--library", "barcelona=owner")
    membership = Membership.objects.get(organization=cast.acme, user=cast.dave)
    assert membership.role == Membership.Role.ADMIN
    assert [held.role for held in membership.library_memberships.all()] == [LibraryMembership.Role.OWNER]


@pytest.mark.parametrize("email", ["dave@example.com", "nobody@example.com"])
def test_removing_somebody_who_is_no_member_is_no_failure(run: Run, cast: Cast, email: str) -> None:
    assert run("remove_member", "acme", email) == ("", f"{email} is not a member of acme.\n")


def test_removing_a_member_is_written_down_as_the_operators_doing(run: Run, cast: Cast) -> None:
    run("remove_member", "acme", "bob@example.com")
    assert not Membership.objects.filter(organization=cast.acme, user=cast.bob).exists()
    entry = AuditEntry.objects.get(action="member.remove")
    assert (entry.actor, entry.face, entry.target) == ("operator", "cli", "bob@example.com")


def test_making_a_library_again_prints_its_slug_again(run: Run, cast: Cast) -> None:
    assert run("create_library", "acme", "Lisbon", "--slug", "lisbon")[0] == "lisbon\n"
    assert run("create_library", "acme", "Lisbon", "--slug", "lisbon")[0] == "lisbon\n"
    assert Library.objects.filter(organization=cast.acme, slug="lisbon").count() == 1


def test_a_superuser_can_sign_in_without_verifying_their_address(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    run("createsuperuser", "--noinput", "--email", "root@example.com")
    assert EmailAddress.objects.get(user__email="root@example.com").verified


def test_an_organization_gets_limits_of_its_own_and_loses_them(run: Run, cast: Cast) -> None:
    run("limit_organization", "acme", "--storage", "2 GB", "--libraries", "0")
    cast.acme.refresh_from_db()
    assert (cast.acme.storage_limit, cast.acme.library_limit) == (2 * 1024**3, 0)
    run("limit_organization", "acme")
    run("limit_organization", "acme")
    cast.acme.refresh_from_db()
    assert (cast.acme.storage_limit, cast.acme.library_limit) == (None, None)
    entries = AuditEntry.objects.filter(action="organization.limit").order_by("id")
    assert [entry.after for entry in entries] == [
        {"storage": 2 * 1024**3, "libraries": 0},
        {"storage": None, "libraries": None},
    ]


def test_people_set_no_limits(cast: Cast) -> None:
    with pytest.raises(Forbidden):
        limit_organization(UserPrincipal(Origin("web"), cast.alice), LimitOrganization(organization_id="acme"))
