"""Faces drawn into an Image for people to look at, and Images written to files.

Lines and letters grow with the image. Latin, Greek, Cyrillic and many more scripts are drawn with
DejaVu Sans, which comes with matplotlib; others (Chinese, say) with a font of the system that has
them, and as empty boxes where there is none.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from facerec.errors import ImageWriteError, ShapeError
from facerec.imaging.opencv import cv2
from facerec.types import Face, ImageRGB, check_image

# Okabe and Ito's palette, told apart with every kind of colour vision; yellow and black left out.
_COLOURS = (
    (86, 180, 233),
    (230, 159, 0),
    (0, 158, 115),
    (204, 121, 167),
    (0, 114, 178),
    (213, 94, 0),
)
_DARK = (16, 16, 16)
_LIGHT = (255, 255, 255)
# Luma from which on dark letters read better than light ones.
_LIGHT_GROUND = 140

# Sizes as shares of the image's shorter side, with the smallest that can be seen or read.
_LINE_SHARE, _MIN_LINE_PX = 1 / 300, 1
_TEXT_SHARE, _MIN_TEXT_PX = 1 / 28, 11

_FORMAT_OF_SUFFIX = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".png": "PNG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".bmp": "BMP",
}
_QUALITY = 95

# Where systems keep fonts, and what those with Chinese, Japanese and Korean are called.
_FONT_FOLDERS = {
    "win32": ("C:/Windows/Fonts",),
    "darwin": ("/System/Library/Fonts", "/Library/Fonts", "~/Library/Fonts"),
    "linux": ("/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts"),
}
_WIDE_FONTS = (
    "notosanscjk", "sourcehansans", "notosanssc", "wqy", "droidsansfallback", "msyh", "simhei",
    "meiryo", "malgun", "pingfang", "hiragino", "arialunicode", "unifont", "notosans",
)  # fmt: skip
# A code point no font has a glyph for: what is drawn for it is drawn for everything missing.
_NO_CHARACTER = "\U0010ffff"


def draw_faces(
    image: ImageRGB, faces: Sequence[Face], labels: Sequence[str] | None = None
) -> ImageRGB:
    """Draw boxes, landmarks and, where given, labels.

    Args:
        image: (H, W, 3) uint8, RGB; left as it is.
        faces: what to draw; later ones lie on top.
        labels: one text per face in any script; an empty one is not drawn.

    Returns:
        (H, W, 3) uint8, RGB, a new array.

    Raises:
        ShapeError: the image has another shape, or there are not as many labels as faces.
    """
    check_image(image)
    if labels is not None and len(labels) != len(faces):
        raise ShapeError(f"There are {len(faces)} faces and {len(labels)} labels.")
    drawn = np.array(image)
    for index, face in enumerate(faces):
        _draw_marks(drawn, face, _COLOURS[index % len(_COLOURS)])
    if labels is None or not any(labels):
        return drawn
    canvas = Image.fromarray(drawn)
    for index, (face, label) in enumerate(zip(faces, labels, strict=True)):
        if label:
            _draw_label(canvas, face, label, _COLOURS[index % len(_COLOURS)])
    return np.array(canvas)


def write_image(path: Path, image: ImageRGB) -> None:
    """Write an image whole or not at all; the file's ending says in which format.

    Args:
        path: ends in .jpg, .jpeg, .png, .webp, .tif, .tiff or .bmp; an old file is replaced.
        image: (H, W, 3) uint8, RGB.

    Raises:
        ShapeError: the image has another shape.
        ImageWriteError: an unknown ending, no such folder, no permission, or a full disk.
    """
    check_image(image)
    file_format = _FORMAT_OF_SUFFIX.get(path.suffix.lower())
    if file_format is None:
        raise ImageWriteError(
            f"Images cannot be written as '{path.suffix or path.name}'.",
            remedy=f"Use one of {' '.join(_FORMAT_OF_SUFFIX)}.",
        )
    temporary: Path | None = None
    try:
        handle, name = tempfile.mkstemp(prefix=".", suffix=".part", dir=path.parent)
        temporary = Path(name)
        with os.fdopen(handle, "wb") as stream:
            Image.fromarray(image).save(stream, format=file_format, quality=_QUALITY)
            stream.flush()
            os.fsync(stream.fileno())
        _give_usual_permissions(temporary)
        temporary.replace(path)
    except OSError as exc:
        raise ImageWriteError(
            f"The image '{path}' cannot be written.",
            remedy=f"{exc.strerror or exc}.",
            path=str(path),
        ) from exc
    finally:
        if temporary is not None:
            with suppress(FileNotFoundError):
                temporary.unlink()


def _give_usual_permissions(path: Path) -> None:
    """Give what ``open`` would have given: temporary files are private to their owner."""
    mask = os.umask(0)
    os.umask(mask)
    path.chmod(0o666 & ~mask)


def _draw_marks(image: ImageRGB, face: Face, colour: tuple[int, int, int]) -> None:
    """Draw box and landmarks into ``image``, each on a dark rim that shows on any ground."""
    line = _line_px(image.shape[:2])
    left, top, right, bottom = (round(float(value)) for value in face.box_xyxy)
    for ink, width in ((_DARK, line + 2), (colour, line)):
        cv2.rectangle(image, (left, top), (right, bottom), ink, width, cv2.LINE_AA)
    radius = max(line, round(face.width_px / 50))
    for x, y in face.landmarks:
        centre = (round(float(x)), round(float(y)))
        cv2.circle(image, centre, radius + 1, _DARK, cv2.FILLED, cv2.LINE_AA)
        cv2.circle(image, centre, radius, colour, cv2.FILLED, cv2.LINE_AA)


def _draw_label(canvas: Image.Image, face: Face, label: str, colour: tuple[int, int, int]) -> None:
    """Write on a ground of the box's colour: above the box, or inside it where there is no room."""
    width, height = canvas.size
    size = max(_MIN_TEXT_PX, round(min(width, height) * _TEXT_SHARE))
    font = _font_for(label, size)
    draw = ImageDraw.Draw(canvas)
    text_left, text_top, text_right, text_bottom = draw.textbbox((0, 0), label, font=font)
    pad = max(2, size // 5)
    ground_width = text_right - text_left + 2 * pad
    ground_height = text_bottom - text_top + 2 * pad
    line = _line_px((height, width))
    left = min(max(0.0, float(face.box_xyxy[0]) - line), max(0.0, width - ground_width))
    above = float(face.box_xyxy[1]) - line - ground_height
    top = above if above >= 0 else max(0.0, float(face.box_xyxy[1]))
    top = min(top, max(0.0, height - ground_height))
    draw.rounded_rectangle(
        (left, top, left + ground_width, top + ground_height), radius=pad, fill=colour
    )
    luma = 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]
    ink = _DARK if luma >= _LIGHT_GROUND else _LIGHT
    draw.text((left + pad - text_left, top + pad - text_top), label, font=font, fill=ink)


def _line_px(image_hw: tuple[int, ...]) -> int:
    return max(_MIN_LINE_PX, round(min(image_hw) * _LINE_SHARE))


def _font_for(label: str, size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Take the first font that has all characters, or else the one that misses fewest."""
    fewest_missing, best = len(label) + 1, None
    for font in (_load_font(path, size) for path in _font_paths()):
        missing = _n_missing(font, label) if font is not None else fewest_missing
        if missing < fewest_missing:
            fewest_missing, best = missing, font
        if missing == 0:
            break
    return best if best is not None else ImageFont.load_default(size)


@lru_cache(maxsize=32)
def _load_font(path: Path, size: int) -> ImageFont.FreeTypeFont | None:
    try:
        return ImageFont.truetype(str(path), size)
    except OSError:  # a damaged font of the system: there are others
        return None


def _n_missing(font: ImageFont.FreeTypeFont, label: str) -> int:
    blank = bytes(font.getmask(_NO_CHARACTER))
    return sum(bytes(font.getmask(sign)) == blank for sign in label if not sign.isspace())


@lru_cache(maxsize=1)
def _font_paths() -> tuple[Path, ...]:
    """DejaVu Sans first; then the system's fonts with many scripts, in the order of preference."""
    paths = []
    matplotlib = find_spec("matplotlib")  # (found without importing it)
    if matplotlib is not None and matplotlib.origin is not None:
        paths.append(Path(matplotlib.origin).parent / "mpl-data/fonts/ttf/DejaVuSans.ttf")
    wide: list[tuple[int, Path]] = []
    for folder in _FONT_FOLDERS.get(sys.platform, ()):
        for path in sorted(Path(folder).expanduser().rglob("*.[to]t[fc]")):
            name = path.stem.lower().replace("-", "").replace("_", "").replace(" ", "")
            ranks = [rank for rank, part in enumerate(_WIDE_FONTS) if name.startswith(part)]
            if ranks:
                wide.append((ranks[0], path))
    return (*paths, *(path for _, path in sorted(wide)))
