"""The import_assets command: files and folders come in, and each that does not is named with its reason."""

import io
import os
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from assets.models import Asset
from tests.assets import pictures
from tests.assets.conftest import StoredFiles
from tests.factories import Cast


def run(*arguments: object) -> tuple[list[str], str, str]:
    """Run the command and return its lines, its words and, where it fails, its refusal."""
    output, words, refusal = io.StringIO(), io.StringIO(), ""
    try:
        call_command("import_assets", *map(str, arguments), stdout=output, stderr=words)
    except CommandError as error:
        refusal = str(error)
    return output.getvalue().splitlines(), words.getvalue(), refusal


@pytest.mark.parametrize(
    ("organization", "library", "reason"),
    [
        ("nobody", "barcelona", "Organization not found."),
        ("acme", "nothing", "The organization has no such library."),
        ("acme", "secret", "The organization has no such library."),
    ],
)
def test_an_unknown_library_is_refused_before_a_file_is_read(
    cast: Cast, stored_files: StoredFiles, tmp_path: Path, organization: str, library: str, reason: str
) -> None:
    (tmp_path / "sea.jpg").write_bytes(pictures.jpeg())
    assert run(organization, library, tmp_path) == ([], "", reason)
    assert stored_files() == set()


def test_what_is_refused_is_named_and_the_rest_comes_in(cast: Cast, tmp_path: Path) -> None:
    (tmp_path / "fake.png").write_bytes(b"<html></html>")
    (tmp_path / "sea.jpg").write_bytes(pictures.jpeg())
    lines, words, refusal = run("acme", "barcelona", tmp_path / "missing.jpg", tmp_path)
    asset = Asset.objects.get()
    assert lines == [f"{asset.pk}\tsea"]
    assert f"{tmp_path}/fake.png: Raster takes JPEG" in words
    assert f"{tmp_path}/missing.jpg: No such file or directory" in words
    assert refusal == "2 of 3 files did not come in."


def test_folders_come_in_whole_and_sorted_without_hidden_files(cast: Cast, tmp_path: Path) -> None:
    for number, name in enumerate(("b/two.png", "b/a/one.png", "a.png", "c.png", ".hidden.png", ".git/three.png")):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pictures.encoded("png", 40 + number, 40))
    lines, words, refusal = run("acme", "barcelona", tmp_path)
    assert [line.partition("\t")[2] for line in lines] == ["a", "c", "two", "one"]
    assert (words, refusal) == ("", "")
    lines, _, _ = run("acme", "barcelona", tmp_path / ".hidden.png")
    assert [line.partition("\t")[2] for line in lines] == [".hidden"]


def test_a_second_run_stores_nothing_and_succeeds(cast: Cast, stored_files: StoredFiles, tmp_path: Path) -> None:
    (tmp_path / "sea.jpg").write_bytes(pictures.jpeg())
    first, _, _ = run("acme", "barcelona", tmp_path)
    before = stored_files()
    again, words, refusal = run("acme", "barcelona", tmp_path)
    assert (again, words, refusal) == (first, f"{tmp_path}/sea.jpg: already there.\n", "")
    assert stored_files() == before


def test_an_empty_folder_is_said_to_be_empty(cast: Cast, tmp_path: Path) -> None:
    assert run("acme", "barcelona", tmp_path) == ([], "There are no files there.\n", "")


def test_a_name_that_is_no_utf8_comes_in_readable(cast: Cast, tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.jpg")).write_bytes(pictures.jpeg())
    lines, _, refusal = run("acme", "barcelona", tmp_path)
    assert refusal == ""
    assert lines[0].endswith("\tcaf\ufffd")
