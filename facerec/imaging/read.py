"""The one loader: path, bytes, array or PIL image -> Image (RGB, upright, 8 bit).

Reads JPEG, PNG, WebP, TIFF, BMP, GIF, JPEG 2000, HEIC and AVIF; of several frames the first. What
cannot be read is refused in one sentence. How pixels are converted is written in ``convert``.
"""

from __future__ import annotations

import os
import stat
import threading
import warnings
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
from facerec.imaging.convert import DECODER_FAULTS, array_from_pillow, image_from_array
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

# Long enough for the brands in the first box of a HEIC or AVIF file.
_HEAD_BYTES = 64


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
        return image_from_array(source)
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
        found.extend(Path(parent, name) for name in files if is_image_name(name))
    return sorted(found)


def is_image_name(name: str) -> bool:
    """Tell by the ending of a file's name whether it is an image; hidden files are none."""
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
    except DECODER_FAULTS as exc:
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
        pixels = array_from_pillow(image)
    except DECODER_FAULTS as exc:
        raise _damaged(what) from exc
    try:
        return image_from_array(pixels)
    except (ShapeError, RangeError) as exc:
        raise ImageReadError(
            f"{what} has values that cannot be shown.", remedy="Export it as PNG or JPEG."
        ) from exc


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
