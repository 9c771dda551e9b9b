"""One video, frame by frame: find or follow the faces, look at some, and say who they are.

``LiveCore`` is synchronous and deterministic: the same frames with the same times give the same
answers. ``facerec.services.live`` runs it in a thread.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np

from facerec.match.rule import MatchRule
from facerec.pipeline import Pipeline
from facerec.services.gallery import OpenGallery
from facerec.services.live_finder import FaceFinder
from facerec.services.live_looks import FrameLooks
from facerec.services.live_names import TrackNames, Watched
from facerec.services.live_types import (
    EventKind,
    LiveEvent,
    LiveFrame,
    LiveOptions,
    LiveStats,
)
from facerec.track.tracker import Track, Tracker
from facerec.types import ImageRGB, check_image

# A settled face's quality is measured this often, any other's in each frame.
_MEASURE_EVERY_S = 0.2
# A look is worth having early when the quality is so much better than the best one's.
_BETTER_BY = 0.1
_BETTER_EVERY_S = 0.3
# Looks at a new face follow each other this fast, and wait this long for a face that is not poor.
_FIRST_LOOKS_EVERY_S = 0.05
_POOR_QUALITY = 0.3
_PATIENCE_S = 0.3
# Looks asked for while people cross count only so often, lest one moment outvote all others.
_ASKED_EVERY_S = 0.2
# A face in doubt is looked at so often.
_DOUBTFUL_EVERY_S = 0.1


class LiveCore:
    """Watches one video.

    Attributes:
        options: how.
    """

    def __init__(
        self,
        gallery: OpenGallery,
        pipeline: Pipeline,
        *,
        rule: MatchRule,
        options: LiveOptions | None = None,
    ) -> None:
        """Begin with no faces.

        Args:
            gallery: who is enrolled; used by the thread that calls ``process`` alone.
            pipeline: finds and embeds; its detector must be able to ``refine``.
            rule: when a Score is enough.
            options: how; the defaults when not given.

        Raises:
            ConfigError: the detector cannot follow faces.
        """
        self.options = options or LiveOptions()
        self._gallery = gallery
        self._embedder = pipeline.embedder
        self._tracker = Tracker(
            self.options.tracker, return_score=rule.threshold + rule.required_margin
        )
        self._finder = FaceFinder(pipeline.detector, self._tracker, self.options.detect_every_s)
        self._names = TrackNames(gallery, pipeline.embedder.contract_id, rule, self.options)
        self._watched: dict[int, Watched] = {}
        self._began_at: datetime | None = None
        self._events: list[LiveEvent] = []
        self._frame_times: deque[float] = deque(maxlen=30)

    def reload_gallery(self) -> None:
        """Ask the gallery again, at the next frame, about everybody in sight."""
        for watched in self._watched.values():
            watched.is_asked = True

    def process(self, image: ImageRGB, time_s: float) -> LiveFrame:
        """Handle one frame.

        Args:
            image: (H, W, 3) uint8, RGB; kept in the result and not copied.
            time_s: when it was taken; later than the frame before.

        Raises:
            ShapeError: the image has another shape or type.
            EmbeddingMismatchError: the gallery was made with another model.
            StoreError: the gallery cannot be read.
        """
        check_image(image)
        started = time.perf_counter()
        if self._began_at is None:
            self._began_at = self._gallery.now() - timedelta(seconds=time_s)
        if self._names.has_changed(time_s):
            self.reload_gallery()
        faces = self._finder.find(image, time_s)
        looks = FrameLooks(image, faces, self._embedder)
        tracks = self._tracker.update(
            faces, time_s, looks.ask, may_start=self._finder.has_searched(time_s)
        )
        visible = {
            index: self._watch(track) for index, track in enumerate(tracks) if track is not None
        }
        self._look(visible, looks, time_s)
        ordered = sorted(visible.values(), key=lambda w: w.track.track_id)
        self._names.answer(ordered)
        self._end_lost(time_s)
        self._tell(ordered, time_s)
        events, self._events = tuple(self._events), []
        return LiveFrame(
            image,
            time_s,
            tuple(w.live_track(time_s) for w in ordered),
            LiveStats(self._fps(time_s), (time.perf_counter() - started) * 1e3),
            events,
        )

    def finish(self) -> tuple[LiveEvent, ...]:
        """End all tracks, as when everybody has left, and return what is to be told of it."""
        for track in list(self._tracker.tracks):
            self._end(track)
        events, self._events = tuple(self._events), []
        return events

    def _watch(self, track: Track) -> Watched:
        if track.track_id not in self._watched:
            self._watched[track.track_id] = self._names.watch(track)
        return self._watched[track.track_id]

    def _look(self, visible: dict[int, Watched], looks: FrameLooks, time_s: float) -> None:
        """Measure quality where it is due, and embed the faces that are worth it."""
        for index, watched in visible.items():
            if watched.has_changed(looks.crop(index)):
                watched.looked_s = -np.inf
            if not watched.is_known or time_s - watched.measured_s >= _MEASURE_EVERY_S:
                watched.quality = looks.quality(index)
                watched.measured_s = time_s
        due = self._due(visible, looks, time_s)
        if not due:
            return
        vectors = looks.vectors(due)
        for index, vector in zip(due, vectors, strict=True):
            watched = visible[index]
            watched.quality = looks.quality(index)
            if not self._names.add_look(watched, vector, looks.crop(index), time_s):
                self._end(watched.track)
                visible[index] = self._watch(self._tracker.start(watched.track.face, time_s))
                visible[index].quality = looks.quality(index)
                self._names.add_look(visible[index], vector, looks.crop(index), time_s)

    def _due(self, visible: dict[int, Watched], looks: FrameLooks, time_s: float) -> list[int]:
        """Choose the faces to look at, the longest waiting first, and those asked about anyway."""
        # Of a face that another one may hide in part, looks say little.
        free = {i: w for i, w in visible.items() if not (w.track.is_touching and w.vote.is_settled)}
        due = [index for index, watched in free.items() if self._is_due(watched, time_s)]
        due.sort(key=lambda index: visible[index].looked_s)
        new = [index for index in due if not looks.has_vector(index)]
        dropped = set(new[self.options.max_looks_a_frame :])
        asked = [
            index
            for index, watched in free.items()
            if looks.has_vector(index)
            and index not in due
            and time_s - watched.looked_s >= _ASKED_EVERY_S
        ]
        return [index for index in due if index not in dropped] + asked

    def _is_due(self, watched: Watched, time_s: float) -> bool:
        """Whether a face is worth a look now."""
        since_s = time_s - watched.looked_s
        quality = watched.quality.score
        if watched.track.in_doubt and since_s >= _DOUBTFUL_EVERY_S:
            return True
        if not watched.vote.is_settled:
            waited = time_s - max(watched.track.began_s, watched.looked_s) >= _PATIENCE_S
            return since_s >= _FIRST_LOOKS_EVERY_S and (quality >= _POOR_QUALITY or waited)
        if quality >= watched.best_quality + _BETTER_BY and since_s >= _BETTER_EVERY_S:
            return True
        every = self.options.look_every_s if watched.is_known else self.options.unsure_look_every_s
        return since_s >= every

    def _end_lost(self, time_s: float) -> None:
        for track in self._tracker.end_lost(time_s):
            self._end(track)

    def _end(self, track: Track) -> None:
        """Forget a track, and tell that its face has left if it was told that it came."""
        if track in self._tracker.tracks:
            self._tracker.end(track)
        watched = self._watched.pop(track.track_id, None)
        if watched is not None and watched.has_appeared:
            self._events.append(self._event(EventKind.LEFT, watched, track.seen_s))

    def _tell(self, visible: Sequence[Watched], time_s: float) -> None:
        """Note what happened to the faces in sight."""
        for watched in visible:
            person = watched.shown.person
            # What is seen in one frame only may be no face, unless it has a name.
            is_face = watched.track.n_seen > 1 or person is not None
            if is_face and not watched.has_appeared:
                watched.has_appeared = True
                self._events.append(self._event(EventKind.APPEARED, watched, time_s))
            if person is not None and person.person_id != watched.told_person_id:
                watched.told_person_id = person.person_id
                self._events.append(self._event(EventKind.RECOGNISED, watched, time_s))

    def _event(self, kind: EventKind, watched: Watched, time_s: float) -> LiveEvent:
        assert self._began_at is not None  # noqa: S101  (set by the first frame)
        best = watched.best
        # Who left is who was there before somebody else took the place.
        decision = watched.believed if kind is EventKind.LEFT else watched.shown
        person = decision.person
        began_s = watched.track.began_s
        return LiveEvent(
            kind=kind,
            track_id=watched.track.track_id,
            time_s=time_s,
            at=self._began_at + timedelta(seconds=time_s),
            began_s=began_s,
            began_at=self._began_at + timedelta(seconds=began_s),
            decision=decision,
            person_id=None if person is None else person.person_id,
            name=None if person is None else person.name,
            best_crop=best.crop if best else None,
            best_embedding=best.embedding if best else None,
            best_quality=watched.best_quality,
        )

    def _fps(self, time_s: float) -> float:
        self._frame_times.append(time_s)
        passed_s = time_s - self._frame_times[0]
        return (len(self._frame_times) - 1) / passed_s if passed_s > 0 else 0.0
