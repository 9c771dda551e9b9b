"""What is fuzzed: readers that get hostile bytes, and valid files to start from.

A target takes bytes and returns, or raises a FacerecError; anything else it lets through is a
fault. Files go through one folder in memory where the system has one.
"""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import json
import pickle
import struct
import tarfile
import tempfile
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from facerec.errors import FacerecError

SIDE = 12
_MEMORY = Path("/dev/shm")  # noqa: S108  (a folder of its own is made below it)
# An image of this many pixels costs milliseconds, so that thousands can be tried.
MAX_PIXELS = 250_000


@dataclass(frozen=True, slots=True)
class Target:
    """A reader under test.

    Attributes:
        try_bytes: hands them to the reader.
        seeds: makes valid inputs.
        modules: what is watched for new branches, by prefix.
    """

    try_bytes: Callable[[bytes], None]
    seeds: Callable[[], list[bytes]]
    modules: tuple[str, ...]


class _Folder:
    """A folder for the files of one process; removed with it."""

    def __init__(self) -> None:
        self._made: tempfile.TemporaryDirectory[str] | None = None

    def write(self, name: str, content: bytes) -> Path:
        """Write a file and return its path."""
        if self._made is None:
            where = _MEMORY if _MEMORY.is_dir() else None
            self._made = tempfile.TemporaryDirectory(prefix="facerec-fuzz-", dir=where)
        path = Path(self._made.name) / name
        path.write_bytes(content)
        return path


_FOLDER = _Folder()


def picture(kind: str, mode: str = "RGB", **how: object) -> bytes:
    """Encode a small picture of noise."""
    noise = np.random.default_rng(1).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(noise).convert(mode).save(stream, kind, **how)
    return stream.getvalue()


def _pictures() -> list[bytes]:
    turned = Image.Exif()
    turned[0x0112] = 6
    deep = io.BytesIO()
    Image.fromarray(np.arange(144, dtype=np.uint16).reshape(12, 12) * 400).save(deep, "PNG")
    second = Image.fromarray(np.zeros((SIDE, SIDE, 3), np.uint8))
    return [
        picture("JPEG"),
        picture("JPEG", exif=turned.tobytes()),
        picture("JPEG", "CMYK"),
        picture("JPEG", progressive=True),
        picture("PNG"),
        picture("PNG", "RGBA"),
        picture("PNG", "P"),
        picture("PNG", "1"),
        deep.getvalue(),
        picture("WEBP"),
        picture("WEBP", lossless=True),
        picture("TIFF"),
        picture("TIFF", compression="tiff_lzw"),
        picture("BMP"),
        picture("GIF", "P"),
        picture("GIF", "P", save_all=True, append_images=[second.convert("P")]),
        picture("JPEG2000"),
        picture("AVIF"),
    ]


def _image(data: bytes) -> None:
    from facerec.imaging.read import read_image

    image = read_image(data or b"\0", max_pixels=MAX_PIXELS)
    assert image.dtype == np.uint8
    assert image.ndim == 3
    assert image.shape[2] == 3


def _gallery_parts() -> tuple[bytes, bytes, bytes]:
    template = {
        "number": 0,
        "quality": 0.9,
        "box": [1.0, 2.0, 30.0, 40.0],
        "sha256": "ab" * 32,
        "source_name": "a.jpg",
        "height_px": 120,
        "width_px": 160,
        "created_at": "2026-03-01T12:00:00+00:00",
    }
    manifest = {
        "format": "facerec-gallery",
        "version": 1,
        "contract_id": "c0ffee0000000000",
        "dimension": 4,
        "n_templates": 1,
        "people": [{"name": "Ada", "templates": [template]}],
    }
    vector = np.array([1, 0, 0, 0], "<f4").tobytes()
    return json.dumps(manifest).encode(), vector, picture("PNG")


def _gallery_archive(manifest: bytes, vectors: bytes, crop: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("crops/0.png", crop)
        archive.writestr("vectors.f32", vectors)
        archive.writestr("gallery.json", manifest, zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def _gallery(data: bytes) -> None:
    from facerec.services.transfer import read_archive

    read_archive(_FOLDER.write("gallery.zip", data))


def _gallery_manifest(data: bytes) -> None:
    """The list of people alone, in an archive whose checksums are right."""
    from facerec.services.transfer import read_archive

    _, vectors, crop = _gallery_parts()
    archive = _gallery_archive(data, vectors, crop)
    read_archive(_FOLDER.write("manifest.zip", archive))


def _verification_sets() -> list[bytes]:
    images = [picture("PNG"), picture("JPEG")] * 2
    return [pickle.dumps((images, [True, False]), protocol) for protocol in (0, 1, 2, 4)]


def _verification_set(data: bytes) -> None:
    from facerec.evaluate.pair_bins import read_bin

    read_bin(_FOLDER.write("set.bin", data))


def _record(content: bytes) -> bytes:
    head = bytes.fromhex("0a23d7ce") + struct.pack("<I", len(content))
    return head + content + bytes(-len(content) % 4)


def _records() -> list[bytes]:
    def labelled(label: float, image: bytes, number: int) -> bytes:
        return _record(struct.pack("<IfQQ", 0, label, number, 0) + image)

    header = _record(struct.pack("<IfQQ2f", 2, 0.0, 0, 0, 3.0, 4.0))
    images = [labelled(0.0, picture("PNG"), 1), labelled(1.0, picture("JPEG"), 2)]
    ranges = _record(struct.pack("<IfQQ2f", 2, 0.0, 3, 0, 1.0, 3.0))
    return [b"".join(images), header + b"".join(images) + ranges]


def _zips() -> list[bytes]:
    made = []
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w", method) as archive:
            archive.writestr("Ana/1.png", picture("PNG"))
            archive.writestr("Bo/1.jpg", picture("JPEG"))
        made.append(stream.getvalue())
    return made


def _tars() -> list[bytes]:
    made = []
    for form in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w", format=form) as archive:
            for name in ("Ana/1.png", "Zoë " * 30 + "/1.png"):
                member = tarfile.TarInfo(name)
                member.size = len(picture("PNG"))
                archive.addfile(member, io.BytesIO(picture("PNG")))
        made.append(stream.getvalue())
    return [*made, gzip.compress(made[0]), bz2.compress(made[0])]


def _crops_of(name: str) -> Callable[[bytes], None]:
    def try_bytes(data: bytes) -> None:
        from training.data.sources.base import SourceLog
        from training.data.sources.opening import open_sources

        path = _FOLDER.write(name, data)
        for source in open_sources([path]):
            for crop in source.crops(SourceLog()):
                with contextlib.suppress(FacerecError):
                    _image(crop.content)

    return try_bytes


_SETTINGS = b"""
[match]
threshold = 0.4
several_faces = "largest"
[store]
gallery = "x"
keep_days = 3
[window]
theme = "light"
"""


def _settings(data: bytes) -> None:
    from facerec.config import load_settings
    from facerec.settings_file import change_settings

    file = _FOLDER.write("facerec.toml", data)
    load_settings(file=file, environ={})
    change_settings({"store.keep_days": 5, "window.theme": "dark"}, file=file)
    assert load_settings(file=file, environ={}).settings.store.keep_days == 5


def _recipes() -> list[bytes]:
    folder = Path(__file__).resolve().parents[2] / "training" / "recipes"
    return [path.read_bytes() for path in sorted(folder.glob("*.toml"))]


def _recipe(data: bytes) -> None:
    from training.recipe import load_recipe

    load_recipe(str(_FOLDER.write("recipe.toml", data)))


def _manifests() -> list[bytes]:
    return [(Path(__file__).resolve().parents[2] / "models" / "manifest.toml").read_bytes()]


def _manifest(data: bytes) -> None:
    from facerec.zoo import read_manifest

    for card in read_manifest(_FOLDER.write("manifest.toml", data).parent):
        assert card.path.parent == card.folder
        card.contract()
        with contextlib.suppress(FacerecError):
            card.threshold_at(1e-3)


def _strangers() -> list[bytes]:
    folder = Path(__file__).resolve().parents[2] / "models"
    return [path.read_bytes() for path in sorted(folder.glob("*.strangers.json"))]


def _stranger_reference(data: bytes) -> None:
    from facerec.match.reference import reference_from_text

    reference_from_text(data.decode(errors="replace"))


def _pairs(data: bytes) -> None:
    from facerec.evaluate.pairs import read_pairs

    file = _FOLDER.write("pairs.txt", data)
    for name in ("Ana/Ana_0001.jpg", "Ana/Ana_0002.jpg", "Bo/Bo_0001.jpg", "Bo/Bo_0002.jpg"):
        (file.parent / name).parent.mkdir(exist_ok=True)
        (file.parent / name).touch()
    read_pairs(file)


def _pair_lists() -> list[bytes]:
    view = b"2\t1\nAna\t1\t2\nAna\t1\tBo\t1\nBo\t1\t2\nBo\t2\tAna\t2\n"
    files = b"a,b,same\nAna/Ana_0001.jpg,Ana/Ana_0002.jpg,1\nAna/Ana_0001.jpg,Bo/Bo_0001.jpg,0\n"
    return [view, files]


TARGETS = {
    "image": Target(_image, _pictures, ("facerec.imaging", "PIL")),
    "gallery": Target(
        _gallery,
        lambda: [_gallery_archive(*_gallery_parts())],
        ("facerec.services.transfer", "zipfile"),
    ),
    "gallery-manifest": Target(
        _gallery_manifest, lambda: [_gallery_parts()[0]], ("facerec.services.transfer",)
    ),
    "bin": Target(_verification_set, _verification_sets, ("facerec.evaluate.pair_bins",)),
    "rec": Target(_crops_of("faces.rec"), _records, ("training.data.sources",)),
    "zip": Target(_crops_of("faces.zip"), _zips, ("training.data.sources", "zipfile")),
    "tar": Target(_crops_of("faces.tar"), _tars, ("training.data.sources", "tarfile")),
    "settings": Target(
        _settings,
        lambda: [_SETTINGS],
        ("facerec.config", "facerec.settings_file", "tomllib", "tomlkit"),
    ),
    "recipe": Target(_recipe, _recipes, ("training.recipe", "tomllib")),
    "models": Target(_manifest, _manifests, ("facerec.zoo", "tomllib")),
    "strangers": Target(_stranger_reference, _strangers, ("facerec.match.reference",)),
    "pairs": Target(_pairs, _pair_lists, ("facerec.evaluate.pairs",)),
}


def run_once(target: Target, data: bytes) -> None:
    """Hand bytes to a target; a refusal in words is as good as an answer.

    Raises:
        Exception: anything but a FacerecError: a fault.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with contextlib.suppress(FacerecError):
            target.try_bytes(data)
