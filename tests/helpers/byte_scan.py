"""Search every byte of every file for what must not be there."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from facerec.gallery.crops import crop_from_png


def forms(vector: np.ndarray, png: bytes) -> dict[str, bytes]:
    """The bytes in which a vector and a Crop could lie in a file."""
    return {
        "vector as float32": vector.astype("<f4").tobytes(),
        "vector as float16": vector.astype("<f2").tobytes(),
        "vector as float64": vector.astype("<f8").tobytes(),
        "Crop as PNG": png,
        "Crop as pixels": crop_from_png(png).tobytes(),
    }


def found_in(folder: Path, secrets: Mapping[str, bytes]) -> set[tuple[str, str]]:
    """Which secrets lie in which files below a folder; members of zip files are unpacked."""
    return {
        (name, what)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        for name, data in _contents(path)
        for what, secret in secrets.items()
        if secret in data
    }


def _contents(path: Path) -> Iterator[tuple[str, bytes]]:
    data = path.read_bytes()
    yield path.name, data
    if zipfile.is_zipfile(io.BytesIO(data)):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in archive.infolist():
                yield path.name, member.filename.encode()
                yield path.name, archive.read(member)
