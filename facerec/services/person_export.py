"""Everything a gallery holds of one Person, in one zip of open formats, to be handed over."""

from __future__ import annotations

import csv
import io
import json
import os
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from facerec.errors import StoreError
from facerec.gallery import people
from facerec.gallery.access import Action, list_accesses
from facerec.gallery.consents import find_consent
from facerec.gallery.copies import CopyKind, register_copy
from facerec.gallery.sightings import list_sightings
from facerec.gallery.steps import steps_of_person
from facerec.gallery.templates import Template, crop_png, embedding_of, list_templates
from facerec.gallery.wiping import staged
from facerec.services.gallery import OpenGallery
from facerec.services.transfer import require_in_the_clear, write_member

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from facerec.gallery.people import Person

PERSON_MEMBER = "person.json"
CROPS_FOLDER = "crops/"
_ALL_ROWS = 10**9
_README = """What a face recognition program (facerec) holds of {name}, as of {at}.

person.json    name, consent, purpose and time, and of each template (the numbers that one picture
               of the face was turned into) where it came from and how good it is
vectors.csv    the numbers themselves, one template a line
crops/         the square cut from each picture, numbered as the template
sightings.csv  when a camera saw the person, as far as that is kept
history.csv    changes of the gallery that name the person, as far as they are kept
access.csv     what was done with the person's data, as far as it is kept

Times are in UTC. The pictures that templates were made from are not kept.
"""


@dataclass(frozen=True, slots=True)
class PersonExport:
    """What was written.

    Attributes:
        n_templates: with vector and Crop.
        n_sightings: visits before cameras.
        n_steps: lines of the history.
    """

    name: str
    n_templates: int
    n_sightings: int
    n_steps: int


def export_person(
    gallery: OpenGallery, name: str, path: Path, *, in_the_clear: bool = False
) -> PersonExport:
    """Write all that is stored of a Person to a zip file.

    The file is put on the gallery's list of copies, so that an erasure of the Person deletes it.

    Args:
        gallery: from where.
        name: of the Person.
        path: of the file; an older one there is replaced once the new one is whole.
        in_the_clear: write it although the gallery is encrypted.

    Raises:
        ConfigError: the gallery is encrypted, and ``in_the_clear`` is not set.
        NotFoundError: nobody has that name.
        StoreError: the file or the gallery cannot be written.
    """
    require_in_the_clear(gallery, in_the_clear)
    with gallery.writing(gallery.now()) as session:
        person = people.require_person(session, name)
        gallery.log(session, Action.EXPORTED_PERSON, person_id=person.id)
        register_copy(session, path, CopyKind.PERSON_EXPORT)
    try:
        with gallery.store.read() as session, staged(path) as making:
            with making.open("wb") as stream:
                with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
                    report = _write(session, archive, person, gallery.now())
                stream.flush()
                os.fsync(stream.fileno())
            making.replace(path)
    except OSError as error:
        raise StoreError(
            f"The file {path} cannot be written ({error.strerror}).",
            remedy="Check the folder and the space on its disk.",
        ) from error
    return report


def _write(
    session: Session, archive: zipfile.ZipFile, person: Person, at: datetime
) -> PersonExport:
    templates = list_templates(session, person.id)
    sightings = list_sightings(session, person_id=person.id, limit=_ALL_ROWS)
    steps = steps_of_person(session, person.id)
    accesses = [row for row in list_accesses(session) if row.person_id == person.id]
    _text(archive, "README.txt", _README.format(name=person.name, at=f"{at:%Y-%m-%d %H:%M}"))
    _text(archive, PERSON_MEMBER, _person_json(session, person, templates))
    vectors = (
        [template.id, template.contract_id, *embedding_of(session, template.id).vector.tolist()]
        for template in templates
    )
    numbers = [f"v{n}" for n in range(max((t.dimension for t in templates), default=0))]
    _table(archive, "vectors.csv", ["template", "contract_id", *numbers], vectors)
    for template in templates:
        png = crop_png(session, template.id)
        if png is not None:
            write_member(archive, f"{CROPS_FOLDER}{template.id}.png", png, compress=False)
    _table(
        archive,
        "sightings.csv",
        ["source", "began_at", "ended_at", "score", "reason"],
        ([s.source, s.began_at, s.ended_at, s.score, s.reason] for s in sightings),
    )
    _table(
        archive,
        "history.csv",
        ["step", "made_at", "kind", "sentence", "undone"],
        ([s.id, s.made_at, s.kind, s.sentence, s.is_undone] for s in steps),
    )
    _table(
        archive,
        "access.csv",
        ["at", "program", "action"],
        ([row.at, row.program, row.action] for row in accesses),
    )
    return PersonExport(person.name, len(templates), len(sightings), len(steps))


def _person_json(session: Session, person: Person, templates: Sequence[Template]) -> str:
    consent = find_consent(session, person.id)
    content = {
        "name": person.name,
        "number": person.id,
        "created_at": person.created_at,
        "updated_at": person.updated_at,
        "consent": consent
        and {
            "consent": consent.consent,
            "purpose": consent.purpose,
            "recorded_at": consent.recorded_at,
            "keep_until": consent.keep_until,
        },
        "templates": [_template(template) for template in templates],
    }
    return json.dumps(content, ensure_ascii=False, indent=1, default=datetime.isoformat)


def _template(template: Template) -> dict[str, object]:
    return {
        "number": template.id,
        "contract_id": template.contract_id,
        "dimension": template.dimension,
        "quality": template.quality,
        "box": list(template.box_ltrb),
        "source_name": template.source.source_name,
        "sha256": template.source.sha256,
        "height_px": template.source.height_px,
        "width_px": template.source.width_px,
        "created_at": template.created_at,
        "set_aside_at": template.set_aside_at,
    }


def _table(
    archive: zipfile.ZipFile, name: str, head: Sequence[str], rows: Iterable[Sequence[object]]
) -> None:
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(head)
    writer.writerows(rows)
    _text(archive, name, stream.getvalue())


def _text(archive: zipfile.ZipFile, name: str, text: str) -> None:
    write_member(archive, name, text.encode(), compress=True)
