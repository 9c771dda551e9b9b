"""Export a gallery to one archive, and import one: a zip of JSON, raw vectors and PNG crops.

Nothing in it is ever executed or unpickled, nothing is unpacked to disk, and only members with the
expected names are read, each up to a limit. An import checks everything before it writes anything,
and writes in one transaction.

The archive holds biometric data in the clear: names, vectors and crops.
"""

from __future__ import annotations

import json
import lzma
import os
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from facerec.errors import (
    DatabaseCorruptError,
    DuplicateError,
    EmbeddingMismatchError,
    InputError,
    RangeError,
    ShapeError,
    StoreError,
)
from facerec.gallery import people
from facerec.gallery.access import Action
from facerec.gallery.consents import (
    Consent,
    all_consents,
    consent_words,
    find_consent,
    store_consent,
)
from facerec.gallery.copies import CopyKind, register_copy
from facerec.gallery.crops import crop_from_png
from facerec.gallery.people import clean_name, find_person, name_key
from facerec.gallery.session import gallery_state, set_contract
from facerec.gallery.steps import StepKind
from facerec.gallery.templates import (
    ImageSourceInfo,
    NewTemplate,
    add_template,
    crop_png,
    embedding_of,
    list_templates,
    template_of_image,
)
from facerec.gallery.wiping import staged
from facerec.services.gallery import OpenGallery
from facerec.types import Embedding
from facerec.wording import counted

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

ARCHIVE_FORMAT = "facerec-gallery"
ARCHIVE_VERSION = 1
MANIFEST_MEMBER = "gallery.json"
VECTORS_MEMBER = "vectors.f32"
# Limits against archives made to exhaust memory; ten million Templates' JSON would be larger.
MAX_MANIFEST_BYTES = 2**30
MAX_VECTORS_BYTES = 2**34
MAX_CROP_BYTES = 2**20
# JSON compresses about tenfold and vectors not at all; a bomb does a thousandfold.
MAX_RATIO = 100
_RATIO_FREE_BYTES = 2**20
# What zipfile raises at damaged archives: names that are no text, methods it does not know, ...
_ZIP_FAULTS = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    UnicodeDecodeError,
    OverflowError,
    EOFError,
    NotImplementedError,
)
_SHA256 = re.compile(r"[0-9a-f]{64}")
# The time in the archive is not the gallery's, so that equal galleries give equal archives.
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)


class ExistingPolicy(StrEnum):
    """What an import does with a name that is enrolled already."""

    REFUSE = "refuse"
    MERGE = "merge"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class TransferReport:
    """What was exported or imported.

    Attributes:
        n_people: people written, new ones and such as were added to.
        n_templates: Templates written.
        skipped: names passed over.
        n_duplicates: Templates that were there already.
    """

    n_people: int
    n_templates: int
    skipped: tuple[str, ...] = ()
    n_duplicates: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class _ArchivedTemplate:
    info: ImageSourceInfo
    new: NewTemplate


@dataclass(frozen=True, slots=True, eq=False)
class _Archive:
    """A whole archive, checked. People keep their order, names are clean and distinct."""

    contract_id: str
    templates: Mapping[str, tuple[_ArchivedTemplate, ...]]
    consents: Mapping[str, Consent]


def export_gallery(
    gallery: OpenGallery, path: Path, *, names: Sequence[str] | None = None
) -> TransferReport:
    """Write people with their Templates and Crops to an archive.

    Templates that are not compared are left out: those of other contracts than the gallery's own,
    and those that are set aside. The archive is put on the gallery's list of copies, so that an
    erasure reaches it.

    Args:
        gallery: what to export.
        path: of the archive; an older file there is replaced once the new one is whole.
        names: only these people; everybody when not given.

    Raises:
        NotFoundError: one of the names is not enrolled.
        StoreError: the archive or the gallery cannot be written.
    """
    with gallery.writing(gallery.now()) as session:
        gallery.log(session, Action.EXPORTED, n=len(_chosen(session, names)))
        register_copy(session, path, CopyKind.EXPORT)
    try:
        with gallery.store.read() as session, staged(path) as making:
            with making.open("wb") as stream:
                with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
                    report = _write_archive(session, archive, names)
                stream.flush()
                os.fsync(stream.fileno())
            making.replace(path)
    except OSError as error:
        raise StoreError(
            f"The archive {path} cannot be written ({error.strerror}).",
            remedy="Check the folder and the space on its disk.",
        ) from error
    return report


def import_gallery(
    gallery: OpenGallery, path: Path, *, existing: ExistingPolicy = ExistingPolicy.REFUSE
) -> TransferReport:
    """Read an archive into a gallery.

    Args:
        gallery: where to.
        path: of the archive.
        existing: what to do with names that are enrolled already. Merging passes over Templates
            from Images that the Person has a Template of.

    Raises:
        InputError: the file is no archive of a gallery, is damaged, or breaks a limit.
        EmbeddingMismatchError: its vectors were made with another model than the gallery's.
        DuplicateError: a name is enrolled already and the policy refuses that.
        StoreError: the gallery cannot be written. In every case nothing was changed.
    """
    archive = read_archive(path)
    with gallery.change(StepKind.IMPORT) as change:
        session = change.session
        contract_id = gallery_state(session).contract_id
        if contract_id not in (None, archive.contract_id):
            raise EmbeddingMismatchError(
                "The archive was made with another model than this gallery.",
                remedy="Import it into a new gallery and embed that again: "
                "facerec gallery reindex --re-embed.",
                expected=contract_id,
                actual=archive.contract_id,
            )
        report = _import_people(gallery, session, archive, existing)
        if report.n_templates:
            set_contract(session, archive.contract_id)
        what = f"{counted(report.n_people, 'person', 'people')}, "
        change.says(f"Imported {what}{counted(report.n_templates, 'template')}")
    return report


def read_archive(path: Path) -> _Archive:
    """Read and check a whole archive, without changing anything.

    Raises:
        InputError: the file is no archive of a gallery, is damaged, or breaks a limit.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _read_members(archive)
    except FileNotFoundError as error:
        raise InputError(f"There is no archive {path}.", remedy="Check the name.") from error
    except _ZIP_FAULTS as error:
        raise _refused("it is no zip file, or damaged") from error
    except RuntimeError as error:  # what zipfile says of encrypted members
        raise _refused("it is encrypted") from error
    except OSError as error:
        raise InputError(
            f"The archive {path} cannot be read ({error.strerror}).", remedy="Check the file."
        ) from error


def _write_archive(
    session: Session, archive: zipfile.ZipFile, names: Sequence[str] | None
) -> TransferReport:
    contract_id = gallery_state(session).contract_id or ""
    entries: list[dict[str, Any]] = []
    vectors: list[bytes] = []
    dimension = 0
    consents = all_consents(session)
    for person in _chosen(session, names):
        templates = []
        for template in list_templates(session, person.id):
            png = crop_png(session, template.id)
            is_compared = template.contract_id == contract_id and template.set_aside_at is None
            if not is_compared or png is None:
                continue
            number = len(vectors)
            vectors.append(embedding_of(session, template.id).vector.astype("<f4").tobytes())
            dimension = template.dimension
            write_member(archive, crop_member(number), png, compress=False)
            templates.append(
                {
                    "number": number,
                    "quality": template.quality,
                    "box": list(template.box_ltrb),
                    "sha256": template.source.sha256,
                    "source_name": template.source.source_name,
                    "height_px": template.source.height_px,
                    "width_px": template.source.width_px,
                    "created_at": template.created_at.isoformat(),
                }
            )
        entry: dict[str, Any] = {"name": person.name, "templates": templates}
        if person.id in consents:
            entry["consent"] = _consent_entry(consents[person.id])
        entries.append(entry)
    manifest = {
        "format": ARCHIVE_FORMAT,
        "version": ARCHIVE_VERSION,
        "contract_id": contract_id,
        "dimension": dimension,
        "n_templates": len(vectors),
        "people": entries,
    }
    write_member(archive, VECTORS_MEMBER, b"".join(vectors), compress=False)
    text = json.dumps(manifest, ensure_ascii=False, indent=1)
    write_member(archive, MANIFEST_MEMBER, text.encode(), compress=True)
    return TransferReport(len(entries), len(vectors))


def _chosen(session: Session, names: Sequence[str] | None) -> list[people.Person]:
    if names is None:
        return people.list_people(session)
    return [people.require_person(session, name) for name in names]


def _consent_entry(consent: Consent) -> dict[str, Any]:
    end = consent.keep_until
    return {
        "consent": consent.consent,
        "purpose": consent.purpose,
        "recorded_at": consent.recorded_at.isoformat(),
        "keep_until": None if end is None else end.isoformat(),
    }


def write_member(archive: zipfile.ZipFile, name: str, data: bytes, *, compress: bool) -> None:
    """Write one member, without the time it was written."""
    member = zipfile.ZipInfo(name, _ZIP_TIME)
    member.compress_type = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
    archive.writestr(member, data)


def crop_member(number: int) -> str:
    """Name of the member with the Crop of the Template of that number."""
    return f"crops/{number}.png"


def _read_members(archive: zipfile.ZipFile) -> _Archive:
    names = archive.namelist()
    if len(set(names)) != len(names):
        raise _refused("two of its members have the same name")
    manifest = _manifest(_member(archive, MANIFEST_MEMBER, MAX_MANIFEST_BYTES))
    n_templates, dimension = manifest["n_templates"], manifest["dimension"]
    expected = {MANIFEST_MEMBER, VECTORS_MEMBER, *map(crop_member, range(n_templates))}
    if set(names) != expected:
        raise _refused("its members are not those of a gallery")
    vectors = _vectors(_member(archive, VECTORS_MEMBER, MAX_VECTORS_BYTES), n_templates, dimension)
    seen: set[int] = set()
    templates: dict[str, tuple[_ArchivedTemplate, ...]] = {}
    keys: set[str] = set()
    consents: dict[str, Consent] = {}
    for entry in manifest["people"]:
        name = _person_name(entry)
        if name_key(name) in keys:
            raise _refused("a person is in it twice")
        keys.add(name_key(name))
        if "consent" in entry:
            consents[name] = _consent(entry["consent"])
        numbers = [_number(item, "number", n_templates - 1) for item in entry["templates"]]
        if not seen.isdisjoint(numbers) or len(set(numbers)) != len(numbers):
            raise _refused("a template is in it twice")
        seen.update(numbers)
        templates[name] = tuple(
            _template(archive, item, vectors[number], manifest["contract_id"])
            for item, number in zip(entry["templates"], numbers, strict=True)
        )
    if len(seen) != n_templates:
        raise _refused("it has templates that belong to nobody")
    return _Archive(manifest["contract_id"], templates, consents)


def _member(archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    """Read one member, however large it claims to be, up to a limit."""
    try:
        info = archive.getinfo(name)
    except KeyError as error:
        raise _refused(f"{name} is missing") from error
    too_dense = info.file_size > max(info.compress_size * MAX_RATIO, _RATIO_FREE_BYTES)
    if info.file_size > limit or too_dense:
        raise _refused(f"{name} is larger than such a member can be")
    with archive.open(info) as stream:
        data = stream.read(info.file_size + 1)
    if len(data) != info.file_size:
        raise _refused(f"{name} has another size than it says")
    return data


def _manifest(data: bytes) -> dict[str, Any]:
    try:
        manifest = json.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise _refused("its list of people cannot be read") from error
    if not isinstance(manifest, dict) or manifest.get("format") != ARCHIVE_FORMAT:
        raise _refused("it is no archive of a gallery")
    if manifest.get("version") != ARCHIVE_VERSION:
        raise InputError(
            "The archive was written by another version of facerec.", remedy="Update facerec."
        )
    _number(manifest, "n_templates", MAX_VECTORS_BYTES)
    _number(manifest, "dimension", MAX_VECTORS_BYTES)
    if not _text(manifest, "contract_id") and manifest["n_templates"]:
        raise _refused("it does not say what its vectors were made with")
    entries = manifest.get("people")
    if not isinstance(entries, list) or not all(_is_person(entry) for entry in entries):
        raise _refused("its list of people is not one")
    return manifest


def _person_name(entry: Mapping[str, Any]) -> str:
    try:
        return clean_name(_text(entry, "name"))
    except RangeError as error:
        raise _refused("a name in it is none") from error


def _is_person(entry: object) -> bool:
    if not isinstance(entry, dict) or not isinstance(entry.get("templates"), list):
        return False
    return all(isinstance(template, dict) for template in entry["templates"])


def _vectors(data: bytes, n_templates: int, dimension: int) -> NDArray[np.float32]:
    if len(data) != n_templates * dimension * 4 or (n_templates and not dimension):
        raise _refused("its vectors have another size than it says")
    return np.frombuffer(data, "<f4").reshape(n_templates, dimension).astype(np.float32)


def _template(
    archive: zipfile.ZipFile,
    item: Mapping[str, Any],
    vector: NDArray[np.float32],
    contract_id: str,
) -> _ArchivedTemplate:
    png = _member(archive, crop_member(item["number"]), MAX_CROP_BYTES)
    try:
        crop_from_png(png)
        embedding = Embedding(vector, contract_id)
        box = np.array(item["box"], np.float32)
        quality = float(item["quality"])
        datetime.fromisoformat(_text(item, "created_at"))
        sha256 = _text(item, "sha256")
    except (DatabaseCorruptError, RangeError, ShapeError) as error:
        raise _refused("a vector or crop in it is damaged") from error
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise _refused("what it says of a template cannot be read") from error
    if box.shape != (4,) or not np.isfinite(box).all() or not 0.0 <= quality <= 1.0:
        raise _refused("what it says of a template cannot be true")
    if _SHA256.fullmatch(sha256) is None:
        raise _refused("a digest in it is none")
    info = ImageSourceInfo(
        sha256,
        # A name only: whatever folders it may come with are dropped.
        _text(item, "source_name").replace("\\", "/").rpartition("/")[2][:255],
        _number(item, "height_px", 2**31),
        _number(item, "width_px", 2**31),
    )
    return _ArchivedTemplate(info, NewTemplate(embedding, quality, box, png))


def _consent(entry: object) -> Consent:
    if not isinstance(entry, dict):
        raise _refused("a consent in it is none")
    try:
        end = entry.get("keep_until")
        return Consent(
            consent_words(_text(entry, "consent")),
            consent_words(_text(entry, "purpose")),
            _moment(_text(entry, "recorded_at")),
            None if end is None else _moment(_text(entry, "keep_until")),
        )
    except (TypeError, ValueError, OverflowError) as error:  # (RangeError is a ValueError)
        raise _refused("a consent in it cannot be read") from error


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError("a time without a zone")
    return found.astimezone(UTC)


def _text(table: Mapping[str, Any], key: str) -> str:
    value = table.get(key)
    if not isinstance(value, str):
        raise _refused(f"{key} is missing")
    return value


def _number(table: Mapping[str, Any], key: str, most: int) -> int:
    value = table.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise _refused(f"{key} is missing or out of range")
    return value


def _refused(why: str) -> InputError:
    return InputError(
        f"The archive cannot be imported: {why}.",
        remedy="Export it again with facerec gallery export.",
    )


def _import_people(
    gallery: OpenGallery, session: Session, archive: _Archive, existing: ExistingPolicy
) -> TransferReport:
    taken = [name for name in archive.templates if find_person(session, name) is not None]
    if taken and existing is ExistingPolicy.REFUSE:
        shown = ", ".join(taken[:3]) + (" and others" if len(taken) > 3 else "")
        raise DuplicateError(
            f"These people are enrolled already: {shown}.",
            remedy="Import with --existing merge or --existing skip.",
            names=taken,
        )
    skipped = tuple(taken) if existing is ExistingPolicy.SKIP else ()
    n_templates = n_duplicates = 0
    for name, templates in archive.templates.items():
        if name in skipped:
            continue
        for stored in _imported(gallery, session, name, templates):
            n_templates += stored
            n_duplicates += not stored
        if name in archive.consents:
            _import_consent(session, name, archive.consents[name])
    return TransferReport(len(archive.templates) - len(skipped), n_templates, skipped, n_duplicates)


def _import_consent(session: Session, name: str, consent: Consent) -> None:
    """Record what was agreed elsewhere, unless something is recorded here."""
    person = people.require_person(session, name)
    if find_consent(session, person.id) is None:
        store_consent(session, person.id, consent)


def _imported(
    gallery: OpenGallery,
    session: Session,
    name: str,
    templates: Sequence[_ArchivedTemplate],
) -> Iterator[bool]:
    """Store one Person's Templates; say of each whether it was new."""
    at = gallery.now()
    person = find_person(session, name) or people.add_person(session, name, at=at)
    for template in templates:
        contract_id = template.new.embedding.contract_id
        if template_of_image(session, person.id, template.info.sha256, contract_id) is not None:
            yield False
            continue
        add_template(session, person.id, template.info, template.new, at=at)
        yield True
