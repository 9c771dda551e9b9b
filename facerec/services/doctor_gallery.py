"""What the doctor says of a gallery: whether it is whole, and whether it lies well."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from facerec.errors import DatabaseCorruptError, FacerecError
from facerec.services.doctor_check import Check, State

if TYPE_CHECKING:
    from facerec.services.gallery import OpenGallery

# Clocks of a network differ by less.
_CLOCK_SLACK = timedelta(minutes=5)


def examine_gallery(folder: Path) -> list[Check]:
    """Look at a gallery and at the drive it lies on; nothing is changed.

    Args:
        folder: of the gallery, which need not be there.
    """
    if not folder.exists():
        return [Check("gallery", str(folder), State.OK, "not there yet")]
    try:
        # Imported here, so that a broken installation of the database library is reported too.
        from facerec.services.gallery import open_gallery

        with open_gallery(folder, create=False, keep_days=None) as gallery:
            return [_database(folder, gallery), *_clock(gallery), *_drive(folder)]
    except ImportError as exc:
        return [Check("gallery", str(folder), State.PROBLEM, str(exc), "Install facerec again.")]
    except DatabaseCorruptError as exc:
        found = Check("gallery", str(folder), State.PROBLEM, exc.message, exc.remedy)
        return [found, *_drive(folder)]
    except FacerecError as exc:
        return [Check("gallery", str(folder), State.PROBLEM, exc.message, exc.remedy)]


def _database(folder: Path, gallery: OpenGallery) -> Check:
    from facerec.services.calibrate import calibration_warning
    from facerec.services.people import list_people

    gallery.store.check()
    people = list_people(gallery)
    state = gallery.state()
    warning = calibration_warning(gallery)
    n_templates = sum(person.n_templates for person in people)
    detail = f"{len(people)} people, {n_templates} templates, database whole, "
    detail += "encrypted" if gallery.store.is_encrypted else "not encrypted"
    if state.contract_id is not None and state.contract_id not in _contracts():
        return Check(
            "gallery",
            str(folder),
            State.NOTE,
            f"{detail}; made with a model that is not here any more",
            "facerec gallery reindex --re-embed",
        )
    if warning:
        return Check("gallery", str(folder), State.NOTE, detail, warning)
    return Check("gallery", str(folder), State.OK, detail)


def _clock(gallery: OpenGallery) -> list[Check]:
    """Say so when the gallery was changed later than this machine believes it is."""
    from facerec.services.people import list_people
    from facerec.services.steps import history

    moments = [step.made_at for step in history(gallery)]
    moments += [person.updated_at for person in list_people(gallery)]
    now = datetime.now(UTC)
    newest = max(moments, default=now)
    if newest <= now + _CLOCK_SLACK:
        return []
    return [
        Check(
            "gallery",
            "clock",
            State.NOTE,
            f"this machine's clock says {now:%Y-%m-%d %H:%M} UTC, but the gallery was changed at "
            f"{newest:%Y-%m-%d %H:%M}",
            "Set the clock right; until then, what is kept for some days is kept longer.",
        )
    ]


def _drive(folder: Path) -> list[Check]:
    from facerec.gallery.backends.medium import is_read_only, network_kind

    checks = []
    if is_read_only(folder):
        checks.append(
            Check(
                "gallery",
                "drive",
                State.NOTE,
                "it cannot be written, so people can be found and not changed",
                "To change the gallery, copy its folder to another drive.",
            )
        )
    kind = network_kind(folder)
    if kind:
        checks.append(
            Check(
                "gallery",
                "drive",
                State.PROBLEM,
                f"it is a network drive ({kind}), where programs on two machines would destroy "
                "the gallery",
                "Move its folder to a drive of this machine.",
            )
        )
    return checks


def _contracts() -> set[str]:
    from facerec.zoo import list_models

    try:
        cards = [card for card in list_models() if card.task == "embed"]
    except FacerecError:
        return set()
    return {card.contract(mirror=mirror).id for card in cards for mirror in (False, True)}
