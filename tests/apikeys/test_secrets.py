"""The key itself: what is refused without a look into the database, and what its digest proves."""

import hmac
import re
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from apikeys import secrets

OLD, NEW = b"o" * 32, b"n" * 32
base62 = st.text(alphabet=secrets.ALPHABET, min_size=42, max_size=42)


def key_of(characters: str) -> str:
    body = f"rstk_{characters[:10]}_{characters[10:]}"
    return body + secrets.checksum(body)


def test_every_change_of_one_character_is_refused() -> None:
    text = secrets.generate().text
    for position, character in enumerate(text):
        for other in (secrets.ALPHABET + "_-é ").replace(character, ""):
            assert secrets.public_id(text[:position] + other + text[position + 1 :]) is None


@given(base62)
def test_two_neighbours_that_change_places_are_refused(characters: str) -> None:
    text = key_of(characters)
    for position in range(len(text) - 1):
        swapped = text[:position] + text[position + 1] + text[position] + text[position + 2 :]
        assert swapped == text or secrets.public_id(swapped) is None


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[:0],
        lambda text: text[:-1],
        lambda text: text + "0",
        lambda text: text + "\n",
        lambda text: " " + text,
        lambda text: text.upper(),
        lambda text: text.replace("rstk_", "rsto_"),
        lambda text: text.replace("_", "-"),
        lambda text: text * 200,
        lambda text: text[:20] + "٣" + text[21:],
    ],
)
def test_what_does_not_have_the_form_of_a_key_is_refused(spoil: "type[str]") -> None:
    assert secrets.public_id(spoil(secrets.generate().text)) is None


@given(st.text())
def test_no_other_text_is_taken_for_a_key(text: str) -> None:
    assert secrets.public_id(text) is None


def test_a_new_key_has_the_documented_form_and_none_is_like_another() -> None:
    keys = [secrets.generate() for _ in range(200)]
    for key in keys:
        assert re.fullmatch(r"rstk_[0-9A-Za-z]{10}_[0-9A-Za-z]{38}", key.text)
        assert len(key.text) == 54
        assert secrets.public_id(key.text) == key.public_id
    assert len({key.text for key in keys}) == len({key.public_id for key in keys}) == len(keys)


@given(base62)
def test_the_checksum_is_the_crc32_in_base62_padded_with_zeros_on_the_left(characters: str) -> None:
    body = f"rstk_{characters[:10]}_{characters[10:]}"
    checksum = secrets.checksum(body)
    assert len(checksum) == 6
    number = 0
    for character in checksum:
        number = number * 62 + secrets.ALPHABET.index(character)
    assert number == zlib.crc32(body.encode())


def test_a_small_checksum_starts_with_zeros() -> None:
    bodies = (f"rstk_{number:010}_{'0' * 32}" for number in range(100_000))
    body = next(body for body in bodies if zlib.crc32(body.encode()) < 62**3)
    assert secrets.checksum(body).startswith("000")
    assert secrets.public_id(body + secrets.checksum(body)) == body[5:15]


def test_a_key_is_not_shown_by_its_repr() -> None:
    key = secrets.generate()
    assert key.text not in repr(key)


def test_a_digest_matches_its_key_alone() -> None:
    key, other = secrets.generate(), secrets.generate()
    assert not secrets.matches(other.text, key.digest)
    assert not secrets.matches(key.text, None)
    assert secrets.matches(key.text, key.digest)


def test_a_new_pepper_is_used_from_now_on_and_the_old_one_still_proves_old_keys(settings: Settings) -> None:
    settings.KEY_PEPPERS = {1: OLD}
    before = secrets.generate()
    settings.KEY_PEPPERS = {1: OLD, 2: NEW}
    after = secrets.generate()
    assert (before.digest.pepper, after.digest.pepper) == (1, 2)
    assert secrets.matches(before.text, before.digest)
    assert secrets.matches(after.text, after.digest)


@pytest.mark.parametrize("peppers", [{2: NEW}, {1: NEW}, {1: NEW, 2: OLD}], ids=["dropped", "replaced", "exchanged"])
def test_a_key_whose_pepper_is_gone_is_refused(settings: Settings, peppers: dict[int, bytes]) -> None:
    settings.KEY_PEPPERS = {1: OLD}
    key = secrets.generate()
    settings.KEY_PEPPERS = peppers
    assert not secrets.matches(key.text, key.digest)


@pytest.mark.parametrize("stored", ["right", "wrong", "unknown id", "unknown pepper"])
def test_the_same_work_is_done_whatever_is_stored(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, stored: str
) -> None:
    settings.KEY_PEPPERS = {1: OLD, 2: NEW}
    key = secrets.generate()
    digest = {
        "right": key.digest,
        "wrong": secrets.generate().digest,
        "unknown id": None,
        "unknown pepper": secrets.Digest(key.digest.value, 7),
    }[stored]
    work: list[int] = []
    digests, comparisons = hmac.digest, hmac.compare_digest

    def counted_digest(secret: bytes, message: bytes, name: str) -> bytes:
        work.append(len(message))
        return digests(secret, message, name)

    def counted_comparison(one: bytes, other: bytes) -> bool:
        work.extend((len(one), len(other)))
        return comparisons(one, other)

    monkeypatch.setattr(hmac, "digest", counted_digest)
    monkeypatch.setattr(hmac, "compare_digest", counted_comparison)
    assert secrets.matches(key.text, digest) is (stored == "right")
    assert work == [54, 32, 32]
