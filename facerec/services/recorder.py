"""Events of a camera -> the gallery's history and its queue of unknown faces, as the settings say.

Writing waits for the disk, so it has a thread of its own and the camera is not held up.
"""

from __future__ import annotations

import queue
import threading
import time
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from facerec.config import LiveSettings
from facerec.errors import FacerecError
from facerec.gallery import sightings as rows
from facerec.gallery.crops import png_from_crop
from facerec.services.expire import keep_to_terms
from facerec.services.gallery import OpenGallery, open_gallery
from facerec.services.live_types import EventKind, LiveEvent
from facerec.services.sightings import purge_expired
from facerec.types import Reason, Verdict

# What has expired is deleted this often while a camera runs.
PURGE_EVERY_S = 300.0
# A face worth keeping until somebody names it: one without quality issues.
_LEAST_QUALITY = 0.5


class Recorder:
    """Notes visits when they end; use it in a ``with`` statement, and pass ``on_event`` on.

    Attributes:
        error: why something could not be noted; None when all went well.
    """

    def __init__(self, folder: Path, settings: LiveSettings, *, source: str) -> None:
        """Prepare.

        Args:
            folder: of the gallery, which is opened once more.
            settings: what is kept, and for how long.
            source: of the video, in words.
        """
        self.error: FacerecError | None = None
        self._folder = folder
        self._settings = settings
        self._source = source
        self._ended: queue.SimpleQueue[LiveEvent | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="facerec-recorder", daemon=True)

    def __enter__(self) -> Self:
        """Begin, by deleting what has expired."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Write what is left, and end."""
        self._ended.put(None)
        self._thread.join()

    def on_event(self, event: LiveEvent) -> None:
        """Take in an event; returns at once."""
        if event.kind is EventKind.LEFT:
            self._ended.put(event)

    def _run(self) -> None:
        try:
            with open_gallery(self._folder) as gallery:
                self._record(gallery)
        except FacerecError as error:
            self.error = error

    def _record(self, gallery: OpenGallery) -> None:
        purged = -PURGE_EVERY_S
        while True:
            # Due however many visits end meanwhile.
            left_s = purged + PURGE_EVERY_S - time.monotonic()
            if left_s <= 0:
                purge_expired(gallery, self._settings)
                keep_to_terms(gallery)
                purged = time.monotonic()
                continue
            try:
                event = self._ended.get(timeout=left_s)
            except queue.Empty:
                continue
            if event is None:
                return
            record_visit(gallery, event, self._settings, source=self._source)


def record_visit(
    gallery: OpenGallery, event: LiveEvent, settings: LiveSettings, *, source: str
) -> None:
    """Note one visit that has ended, as far as the settings allow.

    Args:
        gallery: where to.
        event: of the kind ``LEFT``.
        settings: what is kept, and for how long.
        source: of the video, in words.

    Raises:
        StoreError: the gallery cannot be written.
    """
    keeps_face = settings.keep_strangers and _is_stranger(event)
    if not (settings.keep_history or keeps_face):
        return
    with gallery.store.write() as session:
        if settings.keep_history:
            person = event.decision.person
            rows.add_sighting(
                session,
                person_id=event.person_id,
                source=source,
                began_at=event.began_at,
                ended_at=event.at,
                score=None if person is None else person.score,
                reason=event.decision.reason.value,
            )
        if keeps_face and event.best_crop is not None and event.best_embedding is not None:
            rows.add_unknown(
                session,
                source=source,
                seen_at=event.at,
                expires_at=event.at + timedelta(hours=settings.strangers_hours),
                embedding=event.best_embedding,
                quality=event.best_quality,
                crop_png=png_from_crop(event.best_crop),
            )


def _is_stranger(event: LiveEvent) -> bool:
    decision = event.decision
    nobody = decision.verdict is Verdict.UNKNOWN and decision.reason is not Reason.IGNORED
    return nobody and event.best_quality >= _LEAST_QUALITY
