"""Options, padding and enlarging, the journal: everything but the processes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from facerec.align.warp import align_face
from facerec.errors import ConfigError, ManyFacesError, NoFaceError, RangeError
from facerec.services import align_folder as module
from facerec.services.align_folder import AlignOptions, align_folder, align_image
from facerec.types import Face, ImageRGB
from tests.helpers.fakes import FakeDetector, fake_face, fake_photo


class CentredDetector:
    """Finds one face, placed relative to the middle of the image, as large as the image allows.

    Padding and enlarging keep the middle where it is, so the same place in the original follows
    from the middle alone.
    """

    device = "fake"

    def __init__(self, scale: float) -> None:
        self._scale = scale
        self.size_hw = (0, 0)

    def detect(self, image: ImageRGB) -> list[Face]:
        self.size_hw = image.shape[:2]
        middle = (np.array([image.shape[1], image.shape[0]]) - 1) / 2
        offsets = np.array([[-12, -9], [10, -8], [0, 2], [-8, 12], [9, 13]]) * self._scale
        landmarks = middle + offsets
        return [Face(np.concatenate([landmarks.min(0), landmarks.max(0)]), landmarks, 0.9)]


@pytest.mark.parametrize(
    ("options", "size_hw"),
    [
        pytest.param(AlignOptions(pad=0.5), (160, 120), id="padded"),
        pytest.param(AlignOptions(enlarge=3.0), (240, 180), id="enlarged"),
        pytest.param(AlignOptions(pad=0.25, enlarge=2.0), (240, 180), id="both"),
    ],
)
def test_crop_is_cut_from_the_original_pixels(
    options: AlignOptions, size_hw: tuple[int, int]
) -> None:
    image = fake_photo(person=1, size=80)[:, :60]
    detector = CentredDetector(options.enlarge)
    plain = align_image(image, CentredDetector(1.0), AlignOptions())

    crop = align_image(image, detector, options)

    assert detector.size_hw == size_hw
    # Landmarks are kept in single precision: a pixel may round to its neighbour value.
    assert np.max(np.abs(crop.astype(int) - plain)) <= 1


def test_crop_without_preparation_is_the_plain_warp() -> None:
    image = fake_photo(person=1)
    face = fake_face(left=10, top=5, size=120)

    crop = align_image(image, FakeDetector([face]), AlignOptions())

    assert np.array_equal(crop, align_face(image, face.landmarks, size=112))


def test_image_without_a_face_is_refused() -> None:
    with pytest.raises(NoFaceError):
        align_image(fake_photo(1), FakeDetector([]), AlignOptions())


def test_several_faces_are_refused_when_asked_to() -> None:
    faces = [fake_face(), fake_face(size=60)]

    with pytest.raises(ManyFacesError, match="2 faces"):
        align_image(fake_photo(1), FakeDetector(faces), AlignOptions(faces="refuse"))


def test_largest_of_several_faces_is_taken() -> None:
    image = fake_photo(1)
    large, small = fake_face(size=120), fake_face(left=30, top=30, size=60)

    crop = align_image(image, FakeDetector([small, large]), AlignOptions())

    assert np.array_equal(crop, align_face(image, large.landmarks, size=112))


@pytest.mark.parametrize(
    "values",
    [{"enlarge": 0.5}, {"enlarge": 9.0}, {"pad": -0.1}, {"pad": 5.0}, {"faces": "first"}],
)
def test_impossible_options_are_refused(values: dict[str, float | str]) -> None:
    with pytest.raises(RangeError):
        AlignOptions(**values)


def test_images_that_differ_in_their_suffix_get_crops_of_their_own() -> None:
    names = [Path("p/a.jpg"), Path("p/a.png"), Path("p/b.jpg")]

    crops = dict(module._crops(names, ".png", names))

    assert crops == {
        Path("p/a.jpg"): Path("p/a.jpg.png"),
        Path("p/a.png"): Path("p/a.png.png"),
        Path("p/b.jpg"): Path("p/b.png"),
    }


def test_line_cut_short_by_a_kill_is_done_again(tmp_path: Path) -> None:
    journal = tmp_path / module.JOURNAL
    with module._journal(journal, AlignOptions()) as stream:
        module._append(stream, {"image": "a.jpg", "error": None})
        stream.write('{"image": "b.jp')

    with module._journal(journal, AlignOptions()) as stream:
        module._append(stream, {"image": "c.jpg", "error": "No face."})

    found = module._read_journal(journal, AlignOptions())
    assert found == {"a.jpg": None, "c.jpg": "No face."}


def test_crops_of_other_options_are_not_mixed_in(tmp_path: Path) -> None:
    with module._journal(tmp_path / module.JOURNAL, AlignOptions()):
        pass

    with pytest.raises(ConfigError, match="other options"):
        module._read_journal(tmp_path / module.JOURNAL, AlignOptions(pad=0.5))


def test_folder_without_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no image"):
        align_folder(tmp_path, tmp_path / "out", AlignOptions())
