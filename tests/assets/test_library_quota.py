"""An organization makes no more libraries than it may hold, whoever asks and however many ask at once."""

import pytest
from pytest_django import Settings

from assets.contracts import CreateLibrary, LibraryRecord
from assets.operations.libraries import create_library
from orgs.models import Library
from raster.errors import LibraryLimitExceeded
from tests.assets.people import at_once, key_principal, person
from tests.factories import OPERATOR, Cast

NEW = CreateLibrary(organization_id="acme", name="New")


@pytest.mark.parametrize(("own", "fits"), [(None, False), (2, False), (0, False), (3, True)])
def test_an_organization_has_the_installations_limit_or_its_own(
    cast: Cast, settings: Settings, own: int | None, fits: bool
) -> None:
    settings.LIBRARY_QUOTA = 2
    cast.acme.library_limit = own
    cast.acme.save()
    if fits:
        create_library(OPERATOR, NEW)
    for principal in (OPERATOR, person(cast, "alice"), key_principal(cast, barcelona="write")):
        with pytest.raises(LibraryLimitExceeded):
            create_library(principal, NEW)
    assert cast.acme.libraries.count() == (3 if fits else 2)


def test_an_installation_that_says_nothing_has_a_limit(settings: Settings) -> None:
    assert settings.LIBRARY_QUOTA == 1000


def test_libraries_of_other_organizations_do_not_count(cast: Cast, settings: Settings) -> None:
    settings.LIBRARY_QUOTA = 2
    create_library(person(cast, "dave"), CreateLibrary(organization_id="globex", name="New"))


@pytest.mark.django_db(transaction=True)
def test_of_libraries_at_once_as_many_are_made_as_there_is_room_for(cast: Cast, settings: Settings) -> None:
    settings.LIBRARY_QUOTA = 4
    keys = [key_principal(cast, barcelona="write")] * 5
    outcomes = at_once(*[lambda key=key: create_library(key, NEW) for key in keys])
    assert sum(isinstance(outcome, LibraryRecord) for outcome in outcomes) == 2, outcomes
    assert sum(isinstance(outcome, LibraryLimitExceeded) for outcome in outcomes) == 3, outcomes
    assert Library.objects.filter(organization=cast.acme).count() == 4
