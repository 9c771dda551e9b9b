"""Where an Image comes from: how it is named to the user and how it is recognised again.

A file is known by the digest of its bytes, so that an import that was broken off passes over what
it has without decoding it; an image that came as an array or PIL image by the digest of its pixels.
Only a file's own name is kept: the folders it lay in say more about people than is needed.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from facerec.imaging.read import ImageSource, read_image
from facerec.types import ImageRGB


@dataclass(frozen=True, slots=True, eq=False)
class SourcedImage:
    """An Image with where it came from.

    Attributes:
        image: (H, W, 3) uint8, RGB.
        name: the file's own name; empty when there was no file.
        sha256: hexadecimal digest.
    """

    image: ImageRGB
    name: str
    sha256: str


def source_label(source: ImageSource) -> str:
    """Name a source to the user: its path, or what it is."""
    if isinstance(source, str | os.PathLike):
        return os.fspath(source)
    return "bytes" if isinstance(source, bytes) else "image"


def file_digest(source: ImageSource) -> str | None:
    """Return the digest of a file's bytes without decoding it; None when there is no such file."""
    if isinstance(source, bytes):
        return hashlib.sha256(source).hexdigest()
    if not isinstance(source, str | os.PathLike):
        return None
    path = Path(source)
    try:
        if not path.is_file():
            return None
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except (OSError, ValueError):
        return None  # reading it as an image says what is wrong


def read_source(source: ImageSource) -> SourcedImage:
    """Read an image and its digest.

    Args:
        source: a path, encoded bytes, an array (H, W, 3) or (H, W), or a PIL image.

    Raises:
        InputError: see ``facerec.imaging.read.read_image``.
    """
    digest = file_digest(source)
    image = read_image(source)
    if digest is None:
        digest = pixel_digest(image)
    name = Path(source).name if isinstance(source, str | os.PathLike) else ""
    return SourcedImage(image, name, digest)


def pixel_digest(image: ImageRGB) -> str:
    """Digest of an Image's (H, W, 3) pixels and size."""
    height, width = image.shape[:2]
    digest = hashlib.sha256(f"{height}x{width}:".encode())
    digest.update(np.ascontiguousarray(image).data)
    return digest.hexdigest()
