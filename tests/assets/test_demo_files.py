"""The demonstration's files are small, real files that Raster itself takes, with words for each."""

import itertools

import pytest

from assets.demo_files import DEMO_FILES, FOLDER, DemoFile
from assets.probe import probe
from assets.signatures import judge

FILES = [each for file in itertools.chain(*DEMO_FILES.values()) for each in (file, *file.variants)]


def test_every_file_of_the_folder_is_uploaded_once() -> None:
    assert sorted(file.file for file in FILES) == sorted(path.name for path in FOLDER.iterdir())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.file)
def test_every_file_is_small_and_of_its_type(file: DemoFile) -> None:
    content = file.path.read_bytes()
    assert len(content) <= 40_000
    file_type = judge(content)
    assert file_type is not None
    assert file.path.suffix == f".{file_type.extension}"
    assert (probe(file.path, file_type).width or 0) >= 480


def test_both_demo_libraries_have_files_with_words() -> None:
    assert set(DEMO_FILES) == {"barcelona", "paris"}
    assert all(file.tags and file.description for file in FILES)
