"""Find and leave out people in archives that the program wrote."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

from facerec.errors import InputError
from facerec.gallery.erase import Traces
from facerec.gallery.people import name_key
from facerec.services.person_export import CROPS_FOLDER, PERSON_MEMBER
from facerec.services.transfer import (
    MANIFEST_MEMBER,
    VECTORS_MEMBER,
    crop_member,
    read_archive,
    write_member,
)

_MAX_PERSON_BYTES = 2**26


def archive_without(path: Path, traces: Traces, making: Path) -> tuple[int, int]:
    """Write an archive of ``export`` anew without somebody.

    Args:
        path: of the archive, which is left as it is.
        traces: by which they are found; Templates of theirs that stand under another name go too.
        making: of the new archive.

    Returns:
        How many people are in the new archive, and how many people and Templates were left out.

    Raises:
        InputError: the file is no archive of a gallery, or damaged.
    """
    read_archive(path)  # (checks everything that is read below)
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(making, "w", zipfile.ZIP_DEFLATED) as new:
        manifest = json.loads(old.read(MANIFEST_MEMBER))
        vectors = old.read(VECTORS_MEMBER)
        size = 4 * manifest["dimension"]
        kept_people: list[dict[str, Any]] = []
        kept_vectors: list[bytes] = []
        n_templates = 0
        for person in manifest["people"]:
            if name_key(person["name"]) in traces.name_keys:
                continue
            kept = []
            for item in person["templates"]:
                number = item["number"]
                vector = vectors[number * size : (number + 1) * size]
                png = old.read(crop_member(number))
                if vector in traces.blobs or png in traces.blobs:
                    continue
                write_member(new, crop_member(len(kept_vectors)), png, compress=False)
                kept.append({**item, "number": len(kept_vectors)})
                kept_vectors.append(vector)
            n_templates += len(kept)
            if kept or not person["templates"]:
                kept_people.append({**person, "templates": kept})
        n_erased = len(manifest["people"]) - len(kept_people)
        n_erased += manifest["n_templates"] - n_templates
        manifest.update(people=kept_people, n_templates=n_templates)
        write_member(new, VECTORS_MEMBER, b"".join(kept_vectors), compress=False)
        text = json.dumps(manifest, ensure_ascii=False, indent=1)
        write_member(new, MANIFEST_MEMBER, text.encode(), compress=True)
    return len(kept_people), n_erased


def holds_person(path: Path, traces: Traces) -> bool:
    """Say whether an archive of ``export-person`` is about somebody.

    Raises:
        InputError: the file is no such archive, or damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.getinfo(PERSON_MEMBER).file_size > _MAX_PERSON_BYTES:
                raise _not_ours()
            name = json.loads(archive.read(PERSON_MEMBER))["name"]
            crops = [entry for entry in archive.infolist() if _is_crop(entry)]
            return name_key(name) in traces.name_keys or any(
                archive.read(entry) in traces.blobs for entry in crops
            )
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError) as error:
        raise _not_ours() from error


def _is_crop(entry: zipfile.ZipInfo) -> bool:
    return entry.filename.startswith(CROPS_FOLDER) and entry.file_size <= _MAX_PERSON_BYTES


def _not_ours() -> InputError:
    return InputError("The file is no export of a person, or damaged.", remedy="Check the file.")
