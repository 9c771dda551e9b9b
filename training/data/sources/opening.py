"""From what the user names to sources: folders, archives by their endings, patterns, shards."""

from __future__ import annotations

import glob
import re
from collections.abc import Sequence
from pathlib import Path

from facerec.imaging.read import list_images
from training.data.names import clean_path
from training.data.sources.base import Archive, ArchiveSource, Source
from training.data.sources.people_folder import FolderSource
from training.data.sources.record_io import RecordSource
from training.data.sources.tar_archive import TAR_ENDINGS, TarArchive
from training.data.sources.zip_archive import ZipArchive
from training.errors import DatasetError

ZIP_ENDING = ".zip"
RECORD_ENDING = ".rec"
ARCHIVE_ENDINGS = (ZIP_ENDING, *TAR_ENDINGS)
# InsightFace calls each of its data sets so; the folder says which one it is.
_NAMELESS_RECORDS = "train"
# Fewer digits tell data sets apart rather than shards.
_SHARD_NUMBER = re.compile(r"[-_.]?\d{3,}$")


def open_sources(given: Sequence[Path]) -> list[Source]:
    """Open what was named, in that order.

    Archives in one folder whose names differ only in a last number of three or more digits
    (``faces-000.tar``, ``faces-001.tar``) are shards of one source, called by what they share.

    Args:
        given: folders, ``.zip``, ``.tar`` (``.tar.gz``, ``.tar.bz2``) and ``.rec`` files, or
            patterns such as ``faces-*.tar``, whose files are taken in the order of their names.

    Raises:
        DatasetError: one is not there, of another kind, or named like another one.
    """
    groups: dict[tuple[str, Path], list[Path]] = {}
    for path in (found for one in given for found in _expanded(one)):
        groups.setdefault(_group_of(path), []).append(path)
    sources = [_open(_name_of(paths[0]), paths) for paths in groups.values()]
    names = [source.name for source in sources]
    for name in names:
        if names.count(name) > 1:
            raise DatasetError(
                f"Two sources are called {name}, and their people could not be told apart.",
                remedy="Rename one of them.",
            )
    return sources


def _expanded(path: Path) -> list[Path]:
    if path.exists() or not glob.has_magic(str(path)):
        return [path]
    found = [Path(one) for one in sorted(glob.glob(str(path)))]  # noqa: PTH207  (absolute ones too)
    if not found:
        raise DatasetError(f"No file matches {path}.", remedy="Check the pattern.")
    return found


def _ending(path: Path) -> str:
    lower = path.name.lower()
    endings = [ending for ending in (*ARCHIVE_ENDINGS, RECORD_ENDING) if lower.endswith(ending)]
    return max(endings, key=len, default="")


def _name_of(path: Path) -> str:
    ending = "" if path.is_dir() else _ending(path)
    stem = path.name[: len(path.name) - len(ending)]
    if ending == RECORD_ENDING and stem == _NAMELESS_RECORDS:
        return clean_path(path.resolve().parent.name)
    if ending in ARCHIVE_ENDINGS:
        return clean_path(_SHARD_NUMBER.sub("", stem) or stem)
    return clean_path(stem) or path.resolve().name


def _group_of(path: Path) -> tuple[str, Path]:
    """Shards of one source give the same."""
    is_archive = not path.is_dir() and _ending(path) in ARCHIVE_ENDINGS
    return (_name_of(path) + _ending(path) if is_archive else path.name), path.parent


def _open(name: str, paths: Sequence[Path]) -> Source:
    first = paths[0]
    if first.is_dir():
        return FolderSource(name, first, tuple(list_images(first)))
    for path in paths:
        _check_file(path)
    if _ending(first) == RECORD_ENDING:
        return RecordSource(name, first)
    return ArchiveSource(name, tuple(_archive(path) for path in dict.fromkeys(paths)))


def _archive(path: Path) -> Archive:
    return ZipArchive(path) if _ending(path) == ZIP_ENDING else TarArchive(path)


def _check_file(path: Path) -> None:
    if not path.exists():
        raise DatasetError(f"There is no source {path}.", remedy="Check the name.")
    if path.suffix.lower() == ".bin":
        raise DatasetError(
            f"{path} holds pairs to evaluate on, and is no source of training crops.",
            remedy=f"facerec evaluate pairs {path}",
        )
    if not path.is_file() or not _ending(path):
        raise DatasetError(
            f"{path} is no source of crops that is known.",
            remedy="Name a folder, or a .zip, .tar, .tar.gz, .tar.bz2 or .rec file.",
        )
    try:
        path.open("rb").close()
    except OSError as exc:
        raise DatasetError(
            f"The source {path} cannot be read.", remedy=f"{exc.strerror}: check its permissions."
        ) from exc
