"""Pixels of every kind -> Image (RGB, upright, 8 bit).

The rules of conversion, in one place:

* transparency is laid over white, which is what most viewers show;
* 16 bit is scaled (65535 -> 255), not clipped;
* floating point in [0, 1] is scaled by 255, else in [0, 255] taken as it is, else refused;
* CMYK is taken as Adobe writes it;
* colour profiles are not applied.
"""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from facerec.errors import RangeError, ShapeError
from facerec.types import ImageRGB

# What Pillow and its codecs raise on damaged input, found by fuzzing; none of it is a bug of ours.
DECODER_FAULTS = (
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


def array_from_pillow(image: Image.Image) -> NDArray[Any]:
    """Take the pixels out of a PIL image, turned as its EXIF says.

    Args:
        image: left as it is.

    Returns:
        What ``image_from_array`` takes: (H, W) or (H, W, C), uint8, uint16 or float32.

    Raises:
        Exception: one of ``DECODER_FAULTS`` when its file is damaged.
    """
    image.load()
    image = _upright(image)
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


def _upright(image: Image.Image) -> Image.Image:
    try:
        turn = _TURNS.get(image.getexif().get(_EXIF_ORIENTATION, 1))
    except DECODER_FAULTS:  # damaged EXIF: the pixels are still good, and most are upright
        return image
    return image if turn is None else image.transpose(turn)


def _uint16_from_int(values: NDArray[Any]) -> NDArray[np.uint16]:
    """Pillow's 32-bit integers: 16-bit values from its older readers, else the full 32 bits."""
    unsigned = values.astype(np.int64) & _MAX_32_BIT
    shift = 16 if unsigned.size and unsigned.max() > _MAX_16_BIT else 0
    return (unsigned >> shift).astype(np.uint16)


def image_from_array(array: NDArray[Any]) -> ImageRGB:
    """Convert an array by the rules above.

    Args:
        array: (H, W) or (H, W, 1) grey, (H, W, 2) grey and alpha, (H, W, 3) RGB or (H, W, 4) RGBA;
            uint8, uint16 or floating point.

    Returns:
        (H, W, 3) uint8, RGB, contiguous; the array itself when it is that already.

    Raises:
        ShapeError: another shape or type, or no pixels.
        RangeError: floats outside [0, 255].
    """
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
