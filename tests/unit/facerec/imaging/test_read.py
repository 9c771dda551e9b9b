"""The one loader, format by format and fault by fault."""

from __future__ import annotations

import os
import struct
import sys
import threading
import warnings
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from facerec.errors import (
    DependencyError,
    FacerecError,
    ImageReadError,
    ImageTooLargeError,
    RangeError,
    ShapeError,
)
from facerec.imaging.read import DEFAULT_MAX_PIXELS, list_images, read_image

# 64x48: small, and neither side equal to the other, so that a swap shows.
PHOTO: NDArray[np.uint8] = skimage.data.astronaut()[40:184:3, 130:322:3].copy()
HEIGHT, WIDTH = PHOTO.shape[:2]


def encoded(image: NDArray[Any] | Image.Image, file_format: str, **options: Any) -> bytes:
    if isinstance(image, np.ndarray):
        image = Image.fromarray(image)
    if file_format == "HEIF":
        import pillow_heif

        pillow_heif.register_heif_opener(thumbnails=False)
    stream = BytesIO()
    image.save(stream, format=file_format, **options)
    return stream.getvalue()


def exif_with(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


FORMATS = {
    # name -> (file, largest mean difference to the original)
    "jpeg": (encoded(PHOTO, "JPEG", quality=95, subsampling=0), 3.0),
    "progressive jpeg": (encoded(PHOTO, "JPEG", quality=95, progressive=True), 4.0),
    "png": (encoded(PHOTO, "PNG"), 0.0),
    "webp": (encoded(PHOTO, "WEBP", quality=95), 6.0),
    "lossless webp": (encoded(PHOTO, "WEBP", lossless=True), 0.0),
    "tiff": (encoded(PHOTO, "TIFF"), 0.0),
    "lzw tiff": (encoded(PHOTO, "TIFF", compression="tiff_lzw"), 0.0),
    "jpeg tiff": (encoded(PHOTO, "TIFF", compression="jpeg"), 6.0),
    "bmp": (encoded(PHOTO, "BMP"), 0.0),
    "gif": (encoded(PHOTO, "GIF"), 12.0),
    "jpeg 2000": (encoded(PHOTO, "JPEG2000"), 0.0),
    "heic": (encoded(PHOTO, "HEIF", quality=95), 5.0),
    "avif": (encoded(PHOTO, "AVIF", quality=95), 5.0),
}
ALL_FORMATS = pytest.mark.parametrize("name", FORMATS)

# What is stored when an upright image carries the orientation, by the definition in EXIF 2.3,
# 4.6.4 A: 6, for example, says that the first row is the right-hand side of the scene.
STORED: dict[int, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]] = {
    1: lambda image: image,
    2: lambda image: image[:, ::-1],
    3: lambda image: image[::-1, ::-1],
    4: lambda image: image[::-1],
    5: lambda image: image.transpose(1, 0, 2),
    6: lambda image: image.transpose(1, 0, 2)[::-1],
    7: lambda image: image[::-1, ::-1].transpose(1, 0, 2),
    8: lambda image: image.transpose(1, 0, 2)[:, ::-1],
}


def difference(image: NDArray[np.uint8], expected: NDArray[Any]) -> float:
    assert image.dtype == np.uint8
    assert image.shape == expected.shape
    return float(np.abs(image.astype(float) - expected).mean())


# --- what it comes in ---


@ALL_FORMATS
def test_format_is_read_from_bytes(name: str) -> None:
    data, tolerance = FORMATS[name]

    assert difference(read_image(data), PHOTO) <= tolerance


@ALL_FORMATS
def test_format_is_read_from_a_file_whatever_its_ending(name: str, tmp_path: Path) -> None:
    data, tolerance = FORMATS[name]
    path = tmp_path / "photo.dat"
    path.write_bytes(data)

    assert difference(read_image(path), PHOTO) <= tolerance


@pytest.mark.parametrize("name", ["Jürgen Müller.png", "王小明.png", "नमस्ते 😀.png", " a\n'b.png"])
def test_any_name_is_opened(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(encoded(PHOTO, "PNG"))

    np.testing.assert_array_equal(read_image(str(path)), PHOTO)


@pytest.mark.parametrize("wrap", [bytes, bytearray, memoryview])
def test_any_kind_of_bytes_is_read(wrap: Callable[[bytes], bytes]) -> None:
    np.testing.assert_array_equal(read_image(wrap(encoded(PHOTO, "PNG"))), PHOTO)


def test_link_to_a_file_is_followed(tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_bytes(encoded(PHOTO, "PNG"))
    (tmp_path / "link.png").symlink_to(tmp_path / "photo.png")

    np.testing.assert_array_equal(read_image(tmp_path / "link.png"), PHOTO)


def test_pillow_image_is_read_and_left_alone() -> None:
    image = Image.open(BytesIO(encoded(STORED[6](PHOTO), "PNG", exif=exif_with(6))))

    np.testing.assert_array_equal(read_image(image), PHOTO)
    assert image.size == (HEIGHT, WIDTH)  # still as stored
    assert image.getexif()[0x0112] == 6


def test_array_that_is_an_image_is_handed_through() -> None:
    assert np.shares_memory(read_image(PHOTO), PHOTO)


def test_result_is_contiguous_for_any_view() -> None:
    image = read_image(PHOTO[:, ::-1])

    assert image.flags.c_contiguous
    np.testing.assert_array_equal(image, PHOTO[:, ::-1])


# --- what is in it ---


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_image_is_turned_upright(file_format: str, orientation: int) -> None:
    options: dict[str, Any] = {"exif": exif_with(orientation)}
    if file_format in {"WEBP", "AVIF"}:
        options["quality"] = 90
    stored = np.ascontiguousarray(STORED[orientation](PHOTO))

    image = read_image(encoded(stored, file_format, **options))

    assert difference(image, PHOTO) < 10
    assert difference(image[::-1], PHOTO) > 20


def test_exif_does_not_turn_heic() -> None:
    """Its container has turns of its own, which the library applies; EXIF only repeats them."""
    data = encoded(PHOTO, "HEIF", quality=95, exif=exif_with(6))

    assert difference(read_image(data), PHOTO) < 5


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_unknown_orientation_is_taken_as_upright(orientation: int) -> None:
    data = encoded(PHOTO, "PNG", exif=exif_with(orientation))

    np.testing.assert_array_equal(read_image(data), PHOTO)


def test_damaged_exif_does_not_hide_the_pixels() -> None:
    data = encoded(PHOTO, "JPEG", quality=95, exif=b"Exif\x00\x00MM\x00*\xff\xff\xff\xff junk")

    assert difference(read_image(data), PHOTO) < 4


def test_exif_that_cannot_be_parsed_at_all_does_not_hide_the_pixels(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(_self: Image.Image) -> Image.Exif:
        raise SyntaxError("not a TIFF header")

    monkeypatch.setattr(Image.Image, "getexif", fail)

    np.testing.assert_array_equal(read_image(encoded(PHOTO, "PNG")), PHOTO)


COLOURS = np.repeat(
    np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255], [0, 0, 0]]], np.uint8),
    8,
    axis=0,
).repeat(8, axis=1)


@pytest.mark.parametrize("file_format", ["JPEG", "TIFF"])
def test_cmyk_keeps_its_colours(file_format: str) -> None:
    """Adobe stores the inks of a JPEG inverted; read plainly the image would be a negative."""
    options = {"quality": 100} if file_format == "JPEG" else {}
    data = encoded(Image.fromarray(COLOURS).convert("CMYK"), file_format, **options)

    assert difference(read_image(data), COLOURS) < 3


GREY16 = np.linspace(0, 65535, 48 * 64).astype(np.uint16).reshape(48, 64)
GREY8 = np.rint(GREY16 / 257.0).astype(np.uint8)


def tiff_of(array: NDArray[Any], **options: Any) -> bytes:
    import tifffile

    stream = BytesIO()
    tifffile.imwrite(stream, array, **options)
    return stream.getvalue()


def png16_of(array_rgb: NDArray[np.uint16]) -> bytes:
    """A 16-bit PNG by hand, as Pillow writes none in colour."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    height, width, channels = array_rgb.shape
    header = struct.pack(">IIBBBBB", width, height, 16, {3: 2, 4: 6}[channels], 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in array_rgb)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(encoded(GREY16, "PNG"), id="png"),
        pytest.param(encoded(GREY16, "TIFF"), id="tiff"),
        pytest.param(tiff_of(GREY16, byteorder=">"), id="tiff, big-endian"),
        pytest.param(tiff_of(GREY16.astype(np.uint32)), id="tiff, 16 bits in 32"),
        pytest.param(tiff_of(GREY16.astype(np.uint32) << 16), id="tiff, all of 32 bits"),
    ],
)
def test_deep_grey_is_scaled_not_clipped(data: bytes) -> None:
    image = read_image(data)

    assert difference(image, np.repeat(GREY8[:, :, None], 3, axis=2)) < 0.6
    assert image.min() == 0
    assert image.max() == 255


@pytest.mark.parametrize("encode", [png16_of, tiff_of], ids=["png", "tiff"])
def test_deep_colour_is_scaled_not_clipped(
    encode: Callable[[NDArray[np.uint16]], bytes],
) -> None:
    deep = PHOTO.astype(np.uint16) * 257

    assert difference(read_image(encode(deep)), PHOTO) <= 0.5


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param(GREY8.astype(np.float32) / 255, GREY8, id="0 to 1"),
        pytest.param(GREY8.astype(np.float32), GREY8, id="0 to 255"),
    ],
)
def test_float_tiff_follows_the_rule_for_floats(
    values: NDArray[np.float32], expected: NDArray[np.uint8]
) -> None:
    np.testing.assert_array_equal(read_image(tiff_of(values))[:, :, 1], expected)


@pytest.mark.parametrize("bad", [-1.0, 256.0, np.nan, np.inf])
def test_float_tiff_beyond_the_rule_is_refused(bad: float) -> None:
    values = np.zeros((4, 4), np.float32)
    values[1, 2] = bad

    with pytest.raises(ImageReadError, match="cannot be shown"):
        read_image(tiff_of(values))


def half_transparent() -> NDArray[np.uint8]:
    """Red, with alpha 0, 51 and 255 in three columns."""
    rgba = np.zeros((4, 3, 4), np.uint8)
    rgba[..., 0] = 200
    rgba[..., 3] = [0, 51, 255]
    return rgba


OVER_WHITE = np.array([[255, 255, 255], [244, 204, 204], [200, 0, 0]])


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(encoded(half_transparent(), "PNG"), id="png"),
        pytest.param(encoded(half_transparent(), "WEBP", lossless=True, exact=True), id="webp"),
        pytest.param(encoded(half_transparent(), "TIFF"), id="tiff"),
        pytest.param(half_transparent(), id="array"),
        pytest.param(Image.fromarray(half_transparent()), id="Pillow"),
        pytest.param(png16_of(half_transparent().astype(np.uint16) * 257), id="16 bit"),
    ],
)
def test_transparency_is_laid_over_white(source: Any) -> None:
    np.testing.assert_allclose(read_image(source)[2], OVER_WHITE, atol=1)


def test_grey_with_alpha_is_laid_over_white() -> None:
    grey_alpha = half_transparent()[..., [0, 3]]
    expected = [[255] * 3, [244] * 3, [200] * 3]

    np.testing.assert_allclose(read_image(grey_alpha)[0], expected, atol=1)
    np.testing.assert_allclose(
        read_image(encoded(Image.fromarray(grey_alpha, "LA"), "PNG"))[0], expected, atol=1
    )


@pytest.mark.parametrize("file_format", ["PNG", "GIF"])
def test_transparent_palette_colour_becomes_white(file_format: str) -> None:
    image = Image.fromarray(np.array([[0, 1], [1, 2]], np.uint8)).convert("P")
    image.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90])

    read = read_image(encoded(image, file_format, transparency=1))

    assert read[0].tolist() == [[10, 20, 30], [255, 255, 255]]
    assert read[1].tolist() == [[255, 255, 255], [70, 80, 90]]


def test_palette_with_a_table_of_alphas_is_laid_over_white() -> None:
    image = Image.fromarray(np.array([[0, 1, 2]], np.uint8)).convert("P")
    image.putpalette([200, 0, 0] * 3)

    read = read_image(encoded(image, "PNG", transparency=bytes([0, 51, 255])))

    np.testing.assert_allclose(read[0], OVER_WHITE, atol=1)


@pytest.mark.parametrize("colour", [(5, 6, 7), None])
def test_transparent_colour_key_becomes_white(colour: tuple[int, int, int] | None) -> None:
    pixels = np.full((2, 2, 3), 100, np.uint8)
    pixels[0, 0] = (5, 6, 7)
    options = {"transparency": colour} if colour else {}

    read = read_image(encoded(pixels, "PNG", **options))

    assert read[0, 0].tolist() == ([255, 255, 255] if colour else [5, 6, 7])
    assert read[1, 1].tolist() == [100, 100, 100]


@pytest.mark.parametrize("mode", ["L", "P", "1"])
@pytest.mark.parametrize("file_format", ["PNG", "TIFF", "BMP", "GIF"])
def test_grey_palette_and_one_bit_become_rgb(mode: str, file_format: str) -> None:
    image = Image.fromarray(GREY8).convert(mode)

    read = read_image(encoded(image, file_format))

    np.testing.assert_array_equal(read, np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("file_format", ["GIF", "WEBP", "PNG", "TIFF"])
def test_first_of_several_frames_is_read(file_format: str) -> None:
    frames = [Image.fromarray(np.full((8, 8, 3), level, np.uint8)) for level in (200, 20)]

    data = encoded(frames[0], file_format, save_all=True, append_images=frames[1:])

    assert difference(read_image(data), np.full((8, 8, 3), 200)) < 4


def test_photo_with_a_second_picture_behind_it_is_read() -> None:
    """Phones store previews or depth behind the photo (MPO, which calls itself JPEG)."""
    data = encoded(PHOTO, "MPO", save_all=True, append_images=[Image.new("RGB", (9, 9))])

    assert difference(read_image(data), PHOTO) < 10


@pytest.mark.parametrize(
    "array",
    [
        pytest.param(GREY8, id="grey"),
        pytest.param(GREY8[:, :, None], id="grey with an axis"),
        pytest.param(GREY16, id="16 bit"),
        pytest.param(GREY8.astype(np.float32) / 255, id="float32 to 1"),
        pytest.param(GREY8.astype(np.float64), id="float64 to 255"),
        pytest.param((GREY8 / 255).astype(np.float16), id="float16"),
        pytest.param(GREY8[:, ::-1][:, ::-1], id="view"),
    ],
)
def test_arrays_follow_the_rules(array: NDArray[Any]) -> None:
    image = read_image(array)

    assert image.dtype == np.uint8
    np.testing.assert_allclose(image, np.repeat(GREY8[:, :, None], 3, axis=2), atol=0.51)


# --- what is refused ---


@pytest.mark.parametrize(
    "array",
    [
        pytest.param(np.zeros((4, 4), np.int64), id="integers of unknown range"),
        pytest.param(np.zeros((4, 4), bool), id="booleans"),
        pytest.param(np.array([["a"]]), id="text"),
        pytest.param(np.zeros(4, np.uint8), id="one axis"),
        pytest.param(np.zeros((4, 4, 5), np.uint8), id="five channels"),
        pytest.param(np.zeros((2, 4, 4, 3), np.uint8), id="a batch"),
        pytest.param(np.zeros((0, 4, 3), np.uint8), id="no rows"),
        pytest.param(np.zeros((4, 4, 0), np.uint8), id="no channels"),
    ],
)
def test_arrays_that_are_no_image_are_refused(array: NDArray[Any]) -> None:
    with pytest.raises(ShapeError, match="An image"):
        read_image(array)


@pytest.mark.parametrize("bad", [-0.01, 255.5, np.nan, np.inf])
def test_floats_out_of_range_are_refused(bad: float) -> None:
    with pytest.raises(RangeError, match=r"\[0, 255\]"):
        read_image(np.array([[0.5, bad]]))


@pytest.mark.parametrize("source", [None, 3, [1, 2]])
def test_other_types_are_refused(source: Any) -> None:
    with pytest.raises(ShapeError, match="An image is a path"):
        read_image(source)


def sentence_of(error: FacerecError) -> str:
    """The message, which must be one sentence and come with a remedy."""
    assert error.message.endswith(".")
    assert "\n" not in error.message
    assert error.remedy
    return error.message


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImageReadError) as caught:
        read_image(tmp_path / "nobody.jpg")

    assert sentence_of(caught.value) == f"There is no file '{tmp_path / 'nobody.jpg'}'."


def test_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageReadError) as caught:
        read_image(tmp_path)

    assert "is a folder" in sentence_of(caught.value)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes in folders.")
def test_pipe_is_refused_without_waiting_for_its_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")

    with pytest.raises(ImageReadError) as caught:
        read_image(tmp_path / "pipe.jpg")

    assert "pipe or device" in sentence_of(caught.value)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no device files.")
def test_device_is_refused() -> None:
    with pytest.raises(ImageReadError) as caught:
        read_image("/dev/zero")

    assert "pipe or device" in sentence_of(caught.value)


def test_empty_file_and_empty_bytes_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").touch()

    for source in (tmp_path / "empty.jpg", b""):
        with pytest.raises(ImageReadError) as caught:
            read_image(source)
        assert "is empty" in sentence_of(caught.value)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("x" * 5000, id="name too long"),
        pytest.param("a\0b", id="name with a zero byte"),
    ],
)
def test_impossible_name_is_refused(name: str) -> None:
    with pytest.raises(ImageReadError) as caught:
        read_image(name)

    assert "cannot be reached" in sentence_of(caught.value)


def test_circle_of_links_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")

    with pytest.raises(ImageReadError) as caught:
        read_image(tmp_path / "a")

    assert "cannot be reached" in sentence_of(caught.value)


def test_unreadable_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a patch, as the tests may run as root, who may read everything."""
    path = tmp_path / "photo.png"
    path.write_bytes(encoded(PHOTO, "PNG"))

    def refuse(*_arguments: object, **_options: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ImageReadError) as caught:
        read_image(path)

    assert "may not be read" in sentence_of(caught.value)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"Dear Sir or Madam,\n" * 50, id="text"),
        pytest.param(b"%PDF-1.7\n" + bytes(500), id="PDF"),
        pytest.param(b"\x00\x00\x00\x18ftypmp42" + bytes(500), id="video"),
        pytest.param(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", id="PostScript"),
        pytest.param(b"x", id="one byte"),
        pytest.param(bytes(1000), id="zeros"),
    ],
)
def test_what_is_no_image_is_refused(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(data)

    with pytest.raises(ImageReadError) as caught:
        read_image(tmp_path / "photo.jpg")

    assert "photo.jpg" in sentence_of(caught.value)


@ALL_FORMATS
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_cut_off_file_is_refused(name: str, share: float) -> None:
    data = FORMATS[name][0]

    with pytest.raises(ImageReadError) as caught:
        read_image(data[: int(len(data) * share)])

    sentence_of(caught.value)


def png_header(width: int, height: int) -> bytes:
    """A PNG that ends where its pixels would begin."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = (
        struct.pack(">I", 13) + b"IHDR" + header + struct.pack(">I", zlib.crc32(b"IHDR" + header))
    )
    return b"\x89PNG\r\n\x1a\n" + body + struct.pack(">I", 1000) + b"IDAT"


@pytest.mark.parametrize(
    ("width", "height"),
    [
        pytest.param(10_001, 10_000, id="a little too many"),
        pytest.param(15_000, 10_000, id="more than Pillow likes"),
        pytest.param(50_000, 50_000, id="more than Pillow takes"),
    ],
)
def test_bomb_is_refused_before_it_is_decoded(width: int, height: int) -> None:
    assert width * height > DEFAULT_MAX_PIXELS

    with pytest.raises(ImageTooLargeError) as caught:
        read_image(png_header(width, height))

    assert "pixels" in sentence_of(caught.value)


def test_image_under_the_limit_is_decoded_without_a_remark_of_pillow() -> None:
    """Pillow warns from 89 megapixels on; here only the pixels are missing."""
    with pytest.raises(ImageReadError, match="damaged"):
        read_image(png_header(10_000, 10_000))


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(encoded(PHOTO, "PNG"), id="bytes"),
        pytest.param(PHOTO, id="array"),
        pytest.param(GREY8, id="grey array"),
        pytest.param(Image.fromarray(PHOTO), id="Pillow"),
    ],
)
def test_limit_is_the_largest_number_allowed(source: Any) -> None:
    n_pixels = WIDTH * HEIGHT
    assert GREY8.size == n_pixels

    assert read_image(source, max_pixels=n_pixels).shape == PHOTO.shape
    with pytest.raises(ImageTooLargeError, match=f"{WIDTH} x {HEIGHT}"):
        read_image(source, max_pixels=n_pixels - 1)


def test_heic_without_its_library_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)

    with pytest.raises(DependencyError, match="pip install pillow-heif"):
        read_image(FORMATS["heic"][0])


# --- what never happens ---


@settings(max_examples=300)
@given(data=st.binary(max_size=400))
@example(data=b"\xff\xd8\xff")
@example(data=b"\x00\x00\x00\x0cftypheic")
@example(data=b"II*\x00\x08\x00\x00\x00")
def test_random_bytes_are_refused_in_a_sentence(data: bytes) -> None:
    with pytest.raises(FacerecError):
        read_image(data)


@settings(max_examples=400)
@given(
    name=st.sampled_from(list(FORMATS)),
    changes=st.lists(
        st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=8
    ),
    keep=st.floats(0.3, 1.0),
    in_head=st.booleans(),
)
def test_mutated_file_is_read_or_refused_in_a_sentence(
    name: str, changes: list[tuple[float, int]], keep: float, in_head: bool
) -> None:
    data = bytearray(FORMATS[name][0])
    reach = min(200, len(data)) if in_head else len(data)
    for place, value in changes:
        data[int(place * reach)] = value

    try:
        image = read_image(bytes(data[: int(len(data) * keep)]), max_pixels=1_000_000)
    except FacerecError as error:
        sentence_of(error)
    else:
        assert image.dtype == np.uint8
        assert image.ndim == 3
        assert image.shape[2] == 3


def test_readers_in_threads_leave_the_warning_filters_as_they_were() -> None:
    data = encoded(PHOTO, "PNG")
    before = list(warnings.filters)
    barrier = threading.Barrier(4)

    def work() -> None:
        barrier.wait()
        for _ in range(50):
            read_image(data)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert warnings.filters == before


# --- folders ---


def test_images_of_a_folder_are_listed_in_order(tmp_path: Path) -> None:
    names = ["b.JPG", "a.png", "sub/c.heic", "sub/deeper/ä.webp", "z.tiff"]
    others = ["notes.txt", ".hidden.jpg", ".git/x.png", "film.mp4", "jpg", "sub/.thumbs/y.jpg"]
    for name in names + others:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()

    found = list_images(tmp_path)

    assert found == sorted(tmp_path / name for name in names)


def test_empty_folder_has_no_images(tmp_path: Path) -> None:
    assert list_images(tmp_path) == []


@pytest.mark.parametrize("name", ["missing", "file.jpg"])
def test_only_folders_are_listed(tmp_path: Path, name: str) -> None:
    (tmp_path / "file.jpg").touch()

    with pytest.raises(ImageReadError, match="no folder"):
        list_images(tmp_path / name)
