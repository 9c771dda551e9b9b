"""What is drawn, and how images are written."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFont

from facerec.errors import ImageWriteError, ShapeError
from facerec.imaging import draw
from facerec.imaging.draw import draw_faces, write_image
from facerec.imaging.read import read_image
from tests.helpers.fakes import fake_face

GREY = np.full((300, 400, 3), 128, np.uint8)


def changed(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return (before != after).any(axis=2)


def test_nothing_is_drawn_without_faces() -> None:
    drawn = draw_faces(GREY, [], [])

    np.testing.assert_array_equal(drawn, GREY)
    assert not np.shares_memory(drawn, GREY)


def test_box_and_landmarks_are_drawn_where_they_are() -> None:
    face = fake_face(100, 60, 120)
    left, top, right, bottom = face.box_xyxy.astype(int)

    mask = changed(GREY, draw_faces(GREY, [face]))

    rows, columns = np.nonzero(mask)
    margin = 4
    assert left - margin <= columns.min() <= left <= right <= columns.max() <= right + margin
    assert top - margin <= rows.min() <= top <= bottom <= rows.max() <= bottom + margin
    assert all(mask[round(float(y)), round(float(x))] for x, y in face.landmarks)
    assert not mask[top + 10 : top + 20, left + 10 : left + 20].any()


def test_source_is_left_alone() -> None:
    image = GREY.copy()
    image.flags.writeable = False

    draw_faces(image, [fake_face(100, 60, 120)], ["Ada"])

    np.testing.assert_array_equal(image, GREY)


def test_neighbours_have_colours_of_their_own() -> None:
    faces = [fake_face(10, 60, 120), fake_face(200, 60, 120)]

    drawn = draw_faces(GREY, faces)

    inks = [drawn[150, round(float(face.box_xyxy[0]))].tolist() for face in faces]
    assert inks[0] != inks[1]


def test_label_stands_above_the_box() -> None:
    face = fake_face(100, 100, 120)

    mask = changed(draw_faces(GREY, [face]), draw_faces(GREY, [face], ["Ada"]))

    rows, columns = np.nonzero(mask)
    assert rows.max() < 100
    assert abs(columns.min() - face.box_xyxy[0]) < 4


@pytest.mark.parametrize(
    ("left", "top"), [(100, 0), (-50, -40), (350, 100), (380, 280), (-90, 270), (1000, 1000)]
)
def test_label_stays_inside_the_image(left: float, top: float) -> None:
    """A label is cut off nowhere: shifted, it shows as many letter pixels as in the middle."""
    face = fake_face(left, top, 120)

    mask = changed(draw_faces(GREY, [face]), draw_faces(GREY, [face], ["Ada Lovelace"]))
    rows, columns = np.nonzero(mask)
    middle = changed(
        draw_faces(GREY, [fake_face(100, 100, 120)]),
        draw_faces(GREY, [fake_face(100, 100, 120)], ["Ada Lovelace"]),
    )
    expected_rows, expected_columns = np.nonzero(middle)

    assert np.ptp(columns) >= np.ptp(expected_columns) - 8
    assert np.ptp(rows) >= np.ptp(expected_rows) - 8


def test_letters_grow_with_the_image() -> None:
    def label_height(scale: int) -> int:
        image = np.full((300 * scale, 400 * scale, 3), 128, np.uint8)
        face = fake_face(100 * scale, 100 * scale, 120 * scale)
        mask = changed(draw_faces(image, [face]), draw_faces(image, [face], ["Ada"]))
        return int(np.ptp(np.nonzero(mask)[0]))

    assert label_height(6) > 4 * label_height(1)


@pytest.mark.parametrize("shape", [(1, 1), (8, 8), (20, 3), (40, 40)])
def test_tiny_images_are_drawn_on_without_fuss(shape: tuple[int, int]) -> None:
    image = np.zeros((*shape, 3), np.uint8)

    drawn = draw_faces(image, [fake_face(0, 0, 30)], ["a long label"])

    assert drawn.shape == image.shape


def test_empty_label_draws_nothing() -> None:
    face = fake_face(100, 100, 120)

    np.testing.assert_array_equal(draw_faces(GREY, [face], [""]), draw_faces(GREY, [face]))
    with_second = draw_faces(GREY, [face, face], ["", "Ada"])
    assert changed(draw_faces(GREY, [face, face]), with_second).any()


def label_pixels(label: str) -> NDArray[np.uint8]:
    return draw_faces(GREY, [fake_face(50, 100, 120)], [label])[70:100, 50:390]


@pytest.mark.parametrize("name", ["Łukasz Żółć", "Ñandú", "Борис", "Ελένη", "Nguyễn", "Šárka"])
def test_names_beyond_ascii_have_their_letters(name: str) -> None:
    """With a glyph missing, a box would be drawn, the same one for every letter."""
    font = draw._font_for(name, 20)

    assert isinstance(font, ImageFont.FreeTypeFont)
    assert draw._n_missing(font, name) == 0


def test_missing_letters_are_counted() -> None:
    font = draw._load_font(draw._font_paths()[0], 20)

    assert font is not None
    assert draw._n_missing(font, "a \U0010fffe\U0010fffd") == 2


def test_letters_no_font_has_become_boxes() -> None:
    nothing = label_pixels(" " * 4)

    assert not np.array_equal(label_pixels("\U0010fffe"), nothing)


def test_fonts_of_the_system_are_found_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["wqy-microhei.ttc", "a/NotoSansCJK-Regular.ttc", "Times.ttf", "Noto Sans.otf"]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"no font at all")
    monkeypatch.setitem(draw._FONT_FOLDERS, sys.platform, (str(tmp_path),))
    draw._font_paths.cache_clear()

    try:
        found = [path.name for path in draw._font_paths()]
        assert found == [
            "DejaVuSans.ttf",
            "NotoSansCJK-Regular.ttc",
            "wqy-microhei.ttc",
            "Noto Sans.otf",
        ]
        assert draw._load_font(tmp_path / "Noto Sans.otf", 20) is None
        assert label_pixels("王").any()  # damaged fonts are passed over
    finally:
        draw._font_paths.cache_clear()


def test_pillows_own_font_serves_when_there_is_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draw, "find_spec", lambda _name: None)
    monkeypatch.setattr(draw, "_FONT_FOLDERS", {})
    draw._font_paths.cache_clear()

    try:
        assert draw._font_paths() == ()
        assert changed(label_pixels(" "), label_pixels("Ada")).any()
    finally:
        draw._font_paths.cache_clear()


def test_drawing_loads_no_plotting_library() -> None:
    code = (
        "import sys, numpy as np\n"
        "from facerec.imaging.draw import draw_faces\n"
        "from facerec.types import Face\n"
        "face = Face(np.array([1., 1, 50, 50]), np.arange(10.).reshape(5, 2), 1.0)\n"
        "draw_faces(np.zeros((90, 90, 3), np.uint8), [face], ['Ada'])\n"
        "heavy = {'matplotlib', 'torch', 'PySide6'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)\n"
    )

    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    ("image", "labels"),
    [
        pytest.param(GREY[:, :, 0], None, id="grey image"),
        pytest.param(GREY, [], id="too few labels"),
        pytest.param(GREY, ["a", "b"], id="too many labels"),
    ],
)
def test_what_does_not_fit_together_is_refused(
    image: NDArray[np.uint8], labels: list[str] | None
) -> None:
    with pytest.raises(ShapeError):
        draw_faces(image, [fake_face()], labels)


# --- writing ---

SMOOTH = np.stack(np.meshgrid(np.arange(60), np.arange(40), np.arange(3))[:2] * 2, axis=-1)
SMOOTH = (SMOOTH[..., 0, :3] * 3).astype(np.uint8)


@pytest.mark.parametrize("suffix", [".jpg", ".JPEG", ".png", ".webp", ".tif", ".tiff", ".bmp"])
def test_written_image_is_read_back(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"Übung 王{suffix}"

    write_image(path, SMOOTH)

    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]
    assert np.abs(read_image(path).astype(int) - SMOOTH).mean() < 3


def test_old_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    write_image(path, SMOOTH)

    write_image(path, SMOOTH[::-1])

    np.testing.assert_array_equal(read_image(path), SMOOTH[::-1])


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions.")
def test_written_file_has_the_usual_permissions(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_image(tmp_path / "a.png", SMOOTH)
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / "a.png").stat().st_mode) == 0o640


def test_full_disk_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.png"
    write_image(path, SMOOTH)

    def fail(_handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(ImageWriteError, match="No space left") as caught:
        write_image(path, SMOOTH[::-1])

    assert caught.value.message == f"The image '{path}' cannot be written."
    assert list(tmp_path.iterdir()) == [path]
    np.testing.assert_array_equal(read_image(path), SMOOTH)


@pytest.mark.parametrize("name", ["a.xyz", "a", "a.gif", ".png"])
def test_unknown_ending_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ImageWriteError, match="cannot be written as"):
        write_image(tmp_path / name, SMOOTH)


def test_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageWriteError, match="cannot be written"):
        write_image(tmp_path / "none" / "a.png", SMOOTH)


def test_only_images_are_written(tmp_path: Path) -> None:
    wrong: Any = SMOOTH.astype(np.float32)

    with pytest.raises(ShapeError):
        write_image(tmp_path / "a.png", wrong)


def test_written_jpeg_is_a_jpeg(tmp_path: Path) -> None:
    write_image(tmp_path / "a.jpg", SMOOTH)

    with Image.open(tmp_path / "a.jpg") as image:
        assert image.format == "JPEG"
