"""Fetching photographs: digests, safe unpacking, sentences when the registry does not answer."""

from __future__ import annotations

import hashlib
import io
import subprocess
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from facerec.errors import DependencyError
from facerec.services import demo_photos
from facerec.services.demo_photos import Photo, fetch_photos, has_photos

CONTENT = b"a photograph"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


def _tar(path: Path, members: dict[str, bytes], link: str = "") -> None:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        if link:
            info = tarfile.TarInfo(link)
            info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
            archive.addfile(info)


@pytest.fixture
def one_photo(monkeypatch: pytest.MonkeyPatch) -> Photo:
    photo = Photo("a.jpg", "Ada", "", demo_photos._ARCHIVE, "tests/a.jpg", DIGEST)
    monkeypatch.setattr(demo_photos, "PHOTOS", (photo,))
    return photo


def _pip_that_writes(monkeypatch: pytest.MonkeyPatch, write: Any) -> list[list[str]]:
    calls: list[list[str]] = []

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        calls.append(command)
        write(Path(command[command.index("--dest") + 1]))
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)
    return calls


def test_photo_is_unpacked_and_nothing_else(
    one_photo: Photo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    members = {"pkg-1/tests/a.jpg": CONTENT, "pkg-1/../../evil.txt": b"x", "/abs.txt": b"y"}
    calls = _pip_that_writes(monkeypatch, lambda folder: _tar(folder / "p.tar.gz", members))

    paths = fetch_photos(tmp_path / "photos")

    assert [path.read_bytes() for path in paths] == [CONTENT]
    assert sorted(p.name for p in tmp_path.rglob("*") if p.is_file()) == ["a.jpg"]
    assert "--no-deps" in calls[0]
    assert has_photos(tmp_path / "photos")


def test_photo_that_is_there_is_not_fetched_again(
    one_photo: Photo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.jpg").write_bytes(CONTENT)
    calls = _pip_that_writes(monkeypatch, lambda _: None)

    fetch_photos(tmp_path)

    assert calls == []


@pytest.mark.parametrize(
    ("members", "link"),
    [
        pytest.param({"pkg-1/tests/a.jpg": b"another"}, "", id="other content"),
        pytest.param({"pkg-1/b.jpg": CONTENT}, "", id="missing"),
        pytest.param({}, "pkg-1/tests/a.jpg", id="link in its place"),
    ],
)
def test_archive_without_the_photo_is_refused(
    one_photo: Photo,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    members: dict[str, bytes],
    link: str,
) -> None:
    _pip_that_writes(monkeypatch, lambda folder: _tar(folder / "p.tar.gz", members, link))

    with pytest.raises(DependencyError, match=r"does not hold the photograph a\.jpg"):
        fetch_photos(tmp_path)

    assert not has_photos(tmp_path)


def test_overlong_member_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_photos, "_MAX_MEMBER_BYTES", 3)
    _tar(tmp_path / "p.tar.gz", {"pkg-1/tests/a.jpg": CONTENT})

    assert demo_photos._read_members(tmp_path / "p.tar.gz", {"tests/a.jpg"}) == {}


def test_wheel_is_read_as_well(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "p.whl", "w") as archive:
        archive.writestr("skimage/data/a.png", CONTENT)

    found = demo_photos._read_members(tmp_path / "p.whl", {"skimage/data/a.png"})

    assert found == {"skimage/data/a.png": CONTENT}


def test_unreachable_registry_is_one_sentence(
    one_photo: Photo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 1, "", "noise\nERROR: No matching distribution")

    monkeypatch.setattr(subprocess, "run", run)

    with pytest.raises(DependencyError, match="could not be downloaded: ERROR: No matching"):
        fetch_photos(tmp_path)


def test_slow_registry_is_one_sentence(
    one_photo: Photo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(command: list[str], **_: Any) -> None:
        raise subprocess.TimeoutExpired(command, 1)

    monkeypatch.setattr(subprocess, "run", run)

    with pytest.raises(DependencyError, match="took too long"):
        fetch_photos(tmp_path)


def test_environment_without_pip_is_one_sentence(
    one_photo: Photo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo_photos, "find_spec", lambda _: None)

    with pytest.raises(DependencyError, match="fetched with pip"):
        fetch_photos(tmp_path)


def test_installed_packages_are_copied_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hopper = [photo for photo in demo_photos.PHOTOS if photo.package == "matplotlib"]
    monkeypatch.setattr(demo_photos, "PHOTOS", tuple(hopper))
    calls = _pip_that_writes(monkeypatch, lambda _: None)

    paths = fetch_photos(tmp_path)

    assert [path.name for path in paths] == ["grace_hopper.jpg"]
    assert has_photos(tmp_path)
    assert calls == []
