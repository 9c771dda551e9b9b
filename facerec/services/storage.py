"""How much a gallery takes on the disk, and how much is in it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from facerec.gallery.templates import count_templates
from facerec.services.gallery import OpenGallery
from facerec.services.people import list_people


@dataclass(frozen=True, slots=True)
class StorageFigures:
    """What a gallery holds.

    Attributes:
        folder: where it lies.
        n_bytes: size of all files in the folder.
        n_people: how many people.
        n_templates: how many Templates.
    """

    folder: Path
    n_bytes: int
    n_people: int
    n_templates: int


def measure_storage(gallery: OpenGallery) -> StorageFigures:
    """Count what is stored; files that vanish meanwhile count nothing."""
    n_bytes = 0
    for path in gallery.folder.rglob("*"):
        try:
            n_bytes += path.stat().st_size if path.is_file() else 0
        except OSError:
            continue
    with gallery.store.read() as session:
        n_templates = count_templates(session)
    return StorageFigures(gallery.folder, n_bytes, len(list_people(gallery)), n_templates)
