"""The one loader: path, bytes, array or PIL image -> Image (RGB, upright, 8 bit).

Reads JPEG, PNG, WebP, TIFF, BMP, GIF, JPEG 2000, HEIC and AVIF; of several frames the first. What
cannot be read is refused in one sentence. Colour profiles are not applied.

The rules of conversion, in one place:

* transparency is laid over white, which is what most viewers show;
* 16 bit is scaled (65535 -> 255), not clipped;
* floating point in [0, 1] is scaled by 255, else in [0, 255] taken as it is, else refused;
* CMYK is taken as Adobe writes it.
"""

from __future__ import annotations

import os
import stat
import struct
import threading
import warnings
import zlib
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from facerec.errors import (
    DependencyError,
    ImageReadError,
    ImageTooLargeError,
    RangeError,
    ShapeError,
)
from facerec.types import ImageRGB

if TYPE_CHECKING:
    from collections.abc import Iterator

ImageSource = str | os.PathLike[str] | bytes | NDArray[Any] | Image.Image

# A 100-megapixel camera's image just fits; decoded it takes 300 MB.
DEFAULT_MAX_PIXELS = 100_000_000

# What is tried, commonest first. A closed list: Pillow's other readers include one that starts
# Ghostscript.
_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "JPEG2000", "AVIF")
_HEIF_FORMATS = ("HEIF",)
_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".webp", ".tif", ".tiff"}
    | {".bmp", ".dib", ".gif", ".jp2", ".j2k", ".jpx", ".heic", ".heif", ".hif", ".avif"}
)
_KNOWN_FORMATS = "JPEG, PNG, WebP, TIFF, BMP, GIF, HEIC or AVIF"

# What Pillow and its codecs raise on damaged input, found by fuzzing; none of it is a bug of ours.
_DECODER_FAULTS = (
    OSError,
    EOFError,
    SyntaxError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    ArithmeticError,
    RuntimeError,
    AssertionError,
    MemoryError,
    struct.error,
    zlib.error,
)

# Long enough for the brands in the first box of a HEIC or AVIF file.
_HEAD_BYTES = 64

_EXIF_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

_MAX_8_BIT = 255
_MAX_16_BIT = 65535
_MAX_32_BIT = 2**32 - 1


def read_image(source: ImageSource, *, max_pixels: int = DEFAULT_MAX_PIXELS) -> ImageRGB:
    """Read an image, whatever it comes in.

    Args:
        source: a path; an encoded file as bytes; a PIL image; or an array (H, W), (H, W, 1) grey,
            (H, W, 2) grey and alpha, (H, W, 3) RGB or (H, W, 4) RGBA, of uint8, uint16 or float.
        max_pixels: refuse images with more pixels, before decoding them.

    Returns:
        (H, W, 3) uint8, RGB, turned upright as EXIF says. It may be read-only, and is the source
        itself when that is already such an array.

    Raises:
        ImageReadError: missing, empty, damaged, no image, or no regular file.
        ImageTooLargeError: more pixels than ``max_pixels``, or than Pillow ever decodes.
        ShapeError: the array is no image.
        RangeError: the array's floats lie outside [0, 255].
        DependencyError: a HEIC image, and pillow-heif is not installed.
    """
    if isinstance(source, np.ndarray):
        _check_size(source.shape[1::-1], "The array", max_pixels)
        return _image_from_array(source)
    if isinstance(source, Image.Image):
        with _pillow_silenced():
            return _decode(source, "The image", max_pixels)
    if isinstance(source, bytes | bytearray | memoryview):
        if not source:
            raise ImageReadError("The image is empty.", remedy="Hand in the whole file.")
        return _image_from_stream(BytesIO(source), "The image", max_pixels)
    if not isinstance(source, str | os.PathLike):
        raise ShapeError(
            f"An image is a path, bytes, an array or a PIL image; got {type(source).__name__}."
        )
    return _image_from_file(Path(source), max_pixels)


def list_images(folder: Path) -> list[Path]:
    """Find the images in a folder and below it, by the ending of their names.

    Hidden files and folders (a leading dot) are left out, and links to folders are not followed.

    Args:
        folder: where to look.

    Returns:
        Paths sorted by name, each beginning with ``folder``.

    Raises:
        ImageReadError: there is no such folder.
    """
    if not folder.is_dir():
        raise ImageReadError(
            f"There is no folder '{folder}'.", remedy="Check the name.", path=str(folder)
        )
    found: list[Path] = []
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found.extend(Path(parent, name) for name in files if _is_image_name(name))
    return sorted(found)


def _is_image_name(name: str) -> bool:
    return not name.startswith(".") and Path(name).suffix.lower() in _SUFFIXES


def check_regular_file(path: Path) -> None:
    """Refuse what is no file before it is opened: opening a pipe would wait for its writer.

    Raises:
        ImageReadError: missing, a folder, a pipe, a device, or empty.
    """
    try:
        status = path.stat()
    except FileNotFoundError as exc:
        raise ImageReadError(
            f"There is no file '{path}'.", remedy="Check the name and the folder.", path=str(path)
        ) from exc
    except (OSError, ValueError) as exc:  # a name too long, a loop of links, a zero byte
        raise ImageReadError(
            f"The file {str(path)!r} cannot be reached.", remedy=f"{exc}.", path=str(path)
        ) from exc
    if stat.S_ISDIR(status.st_mode):
        raise ImageReadError(
            f"'{path}' is a folder, not an image.",
            remedy="Name an image, or a command that takes folders.",
            path=str(path),
        )
    if not stat.S_ISREG(status.st_mode):
        raise ImageReadError(
            f"'{path}' is a pipe or device, not a file.",
            remedy="Save the image to a file first.",
            path=str(path),
        )
    if status.st_size == 0:
        raise ImageReadError(
            f"The file '{path}' is empty.", remedy="Copy or export it again.", path=str(path)
        )


def _image_from_file(path: Path, max_pixels: int) -> ImageRGB:
    check_regular_file(path)
    try:
        stream = path.open("rb")
    except OSError as exc:
        raise ImageReadError(
            f"The file '{path}' may not be read.", remedy="Check its permissions.", path=str(path)
        ) from exc
    with stream:
        return _image_from_stream(stream, f"The image '{path}'", max_pixels)


def _image_from_stream(stream: BinaryIO, what: str, max_pixels: int) -> ImageRGB:
    with _pillow_silenced():
        image = _open(stream, what)
        with image:
            return _decode(image, what, max_pixels)


def _open(stream: BinaryIO, what: str) -> Image.Image:
    """Read the header only."""
    try:
        return Image.open(stream, formats=_formats_of(stream))
    except Image.DecompressionBombError as exc:
        raise ImageTooLargeError(
            f"{what} has more pixels than can be decoded safely.", remedy="Make it smaller."
        ) from exc
    except UnidentifiedImageError as exc:
        raise ImageReadError(
            f"{what} is no image that can be read here.", remedy=f"Use {_KNOWN_FORMATS}."
        ) from exc
    except _DECODER_FAULTS as exc:
        raise _damaged(what) from exc


def _formats_of(stream: BinaryIO) -> tuple[str, ...]:
    """Tell HEIC from the rest, so that its library is loaded only for it."""
    head = stream.read(_HEAD_BYTES)
    stream.seek(0)
    if head[4:8] != b"ftyp" or b"avif" in head or b"avis" in head:
        return _FORMATS
    try:
        import pillow_heif
    except ImportError as exc:
        raise DependencyError(
            "Reading HEIC needs the package pillow-heif.", remedy="pip install pillow-heif"
        ) from exc
    pillow_heif.register_heif_opener(thumbnails=False)
    return _HEIF_FORMATS


def _decode(image: Image.Image, what: str, max_pixels: int) -> ImageRGB:
    _check_size(image.size, what, max_pixels)
    try:
        image.load()
        image = _upright(image)
        return _image_from_array(_array_from_pillow(image))
    except (ShapeError, RangeError) as exc:
        raise ImageReadError(
            f"{what} has values that cannot be shown.", remedy="Export it as PNG or JPEG."
        ) from exc
    except _DECODER_FAULTS as exc:
        raise _damaged(what) from exc


def _damaged(what: str) -> ImageReadError:
    return ImageReadError(f"{what} is damaged or cut off.", remedy="Copy or export it again.")


def _check_size(size_wh: tuple[int, ...], what: str, max_pixels: int) -> None:
    width, height = size_wh if len(size_wh) == 2 else (0, 0)
    if width * height > max_pixels:
        raise ImageTooLargeError(
            f"{what} has {width} x {height} pixels, more than the limit of {max_pixels}.",
            remedy="Make it smaller, or raise the limit if you trust it.",
            width=width,
            height=height,
            limit=max_pixels,
        )


def _upright(image: Image.Image) -> Image.Image:
    try:
        turn = _TURNS.get(image.getexif().get(_EXIF_ORIENTATION, 1))
    except _DECODER_FAULTS:  # damaged EXIF: the pixels are still good, and most are upright
        return image
    return image if turn is None else image.transpose(turn)


def _array_from_pillow(image: Image.Image) -> NDArray[Any]:
    """Pixels in a form that ``_image_from_array`` takes."""
    mode = image.mode
    if mode.startswith("I;16"):
        return np.asarray(image).astype(np.uint16)
    if mode == "I":
        return _uint16_from_int(np.asarray(image))
    if mode in {"RGB", "L", "F"} and "transparency" not in image.info:
        return np.asarray(image)
    if image.has_transparency_data:
        return np.asarray(image.convert("RGBA"))
    return np.asarray(image.convert("RGB"))


def _uint16_from_int(values: NDArray[Any]) -> NDArray[np.uint16]:
    """Pillow's 32-bit integers: 16-bit values from its older readers, else the full 32 bits."""
    unsigned = values.astype(np.int64) & _MAX_32_BIT
    shift = 16 if unsigned.size and unsigned.max() > _MAX_16_BIT else 0
    return (unsigned >> shift).astype(np.uint16)


def _image_from_array(array: NDArray[Any]) -> ImageRGB:
    if array.ndim not in {2, 3} or array.size == 0 or (array.ndim == 3 and array.shape[2] > 4):
        raise ShapeError(
            f"An image is an array (H, W) or (H, W, 1 to 4) with pixels in it; got {array.shape}."
        )
    pixels = _bytes_from_values(array)
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    if pixels.shape[2] in {2, 4}:
        pixels = _over_white(pixels[:, :, :-1], pixels[:, :, -1:])
    if pixels.shape[2] == 1:
        pixels = np.repeat(pixels, 3, axis=2)
    return np.ascontiguousarray(pixels)


def _bytes_from_values(array: NDArray[Any]) -> NDArray[np.uint8]:
    if array.dtype == np.uint8:
        return array.view(np.uint8)
    if array.dtype == np.uint16:
        # 65535 = 255 * 257, so this is the exact rounded quotient.
        rounded: NDArray[np.uint8] = ((array.astype(np.uint32) + 128) // 257).astype(np.uint8)
        return rounded
    if not np.issubdtype(array.dtype, np.floating):
        raise ShapeError(f"An image holds uint8, uint16 or floating point; got {array.dtype}.")
    smallest, largest = float(array.min()), float(array.max())
    if not (smallest >= 0.0 and largest <= _MAX_8_BIT):  # (NaN fails this too)
        raise RangeError(
            f"An image of floats lies in [0, 1] or [0, 255]; got {smallest:g} to {largest:g}.",
            remedy="Scale it first.",
        )
    scale = _MAX_8_BIT if largest <= 1.0 else 1
    scaled: NDArray[np.uint8] = np.rint(array * scale).astype(np.uint8)
    return scaled


def _over_white(colour: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    share = alpha.astype(np.uint16)  # (255 * 255 + 127 just fits)
    blend = colour * share + _MAX_8_BIT * (_MAX_8_BIT - share)
    image: NDArray[np.uint8] = ((blend + _MAX_8_BIT // 2) // _MAX_8_BIT).astype(np.uint8)
    return image


_silence_lock = threading.Lock()
_silence_depth = 0
_silence: Any = None


@contextmanager
def _pillow_silenced() -> Iterator[None]:
    """Hide Pillow's remarks on odd metadata, and its softer pixel limit, while images are read.

    ``warnings.catch_warnings`` alone is not safe in threads: interleaved, they would leave one
    another's filters behind. So the first to come sets the filter and the last to go removes it.
    """
    global _silence, _silence_depth
    with _silence_lock:
        if _silence_depth == 0:
            _silence = warnings.catch_warnings()
            _silence.__enter__()
            warnings.filterwarnings("ignore", module=r"PIL\.|pillow_heif")
        _silence_depth += 1
    try:
        yield
    finally:
        with _silence_lock:
            _silence_depth -= 1
            if _silence_depth == 0:
                _silence.__exit__(None, None, None)
                _silence = None
