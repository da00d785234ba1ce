"""The demonstration's pictures are real files that Raster itself takes."""

import random
from pathlib import Path

from assets.demo_images import DEMO_IMAGES, make_demo_images
from assets.probe import probe
from assets.signatures import judge


def test_every_demo_picture_is_an_image_of_its_type(tmp_path: Path) -> None:
    paths = make_demo_images(tmp_path)
    assert [path.name for path in paths] == [demo.file_name for demo in DEMO_IMAGES]
    for path in paths:
        file_type = judge(path.read_bytes())
        assert file_type is not None
        assert path.suffix == f".{file_type.extension}"
        assert (probe(path, file_type).width or 0) >= 800


def test_a_scene_is_painted_the_same_again() -> None:
    for demo in DEMO_IMAGES:
        assert demo.paint(random.Random(1)) == demo.paint(random.Random(1))


def test_both_demo_libraries_have_pictures_with_words() -> None:
    assert {demo.library for demo in DEMO_IMAGES} == {"barcelona", "paris"}
    assert all(demo.tags and demo.description for demo in DEMO_IMAGES)
