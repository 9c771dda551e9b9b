"""The tracks of a video and who they are: looks are collected, the gallery is asked, names given.

A track's looks vote together (``facerec.track.vote``); in one frame nobody is named twice; a track
in doubt shows no name. Knows nothing of pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from facerec.match.decide import decide, name_once
from facerec.match.rule import MatchRule
from facerec.quality.checks import FaceQuality
from facerec.services.gallery import OpenGallery
from facerec.services.live_types import LiveOptions, LiveTrack
from facerec.track.tracker import Track
from facerec.track.vote import Look, TrackVote, withheld
from facerec.types import Candidate, Crop, Decision, Embedding, QualityIssue, Reason, Verdict

# From this quality on, a look at odds with a track's earlier looks shows somebody else.
_CLEAR_QUALITY = 0.5
# So many such looks in a row end the track.
_STRIKES = 2
# So many good looks in a row that do not settle a doubt end it, too: it is taken for a new face.
_MOST_DOUBTFUL = 5
# Mean difference of a face's thumbnails from frame to frame, in grey levels, that is no movement.
_CHANGED_LEVELS = 20.0
_THUMBNAIL_STEP_PX = 8
# What a name once given is worth against a rival's Score in the same frame.
_HOLDER_ADVANTAGE = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class BestLook:
    """The best look at a face so far.

    Attributes:
        crop: (S, S, 3) uint8, RGB.
        embedding: made from it.
        quality: of it.
    """

    crop: Crop
    embedding: Embedding
    quality: FaceQuality


@dataclass(slots=True, eq=False)
class Watched:
    """A track with all that is known of it.

    Attributes:
        track: where it is.
        vote: its looks.
        candidates: nearest people of all looks together, best first.
        decided: on those, by the rules for one face.
        shown: what is answered.
        believed: what was answered last while the track was not in doubt.
        quality: as last measured.
        measured_s: when that was.
        looked_s: when it was last embedded.
        best: the best look so far; None before the first.
        has_appeared: whether that was told.
        told_person_id: whose name was told last.
        n_strikes: looks in a row that show somebody else, or that do not settle a doubt.
        is_asked: whether the gallery is to be asked about it.
        thumbnail: (T, T) of the Crop in the frame before.
    """

    track: Track
    vote: TrackVote
    decided: Decision
    shown: Decision
    believed: Decision
    candidates: tuple[Candidate, ...] = ()
    quality: FaceQuality = field(default_factory=lambda: FaceQuality(0.0, ()))
    measured_s: float = -np.inf
    looked_s: float = -np.inf
    best: BestLook | None = None
    has_appeared: bool = False
    told_person_id: int | None = None
    n_strikes: int = 0
    is_asked: bool = True
    thumbnail: NDArray[np.float32] | None = None

    def has_changed(self, crop: Crop) -> bool:
        """Whether the face looks so different from the frame before that it may be another one.

        Args:
            crop: (S, S, 3) uint8, RGB, of this frame.
        """
        step = _THUMBNAIL_STEP_PX
        small = crop[step // 2 :: step, step // 2 :: step].mean(axis=2, dtype=np.float32)
        before, self.thumbnail = self.thumbnail, small
        return before is not None and float(np.abs(small - before).mean()) > _CHANGED_LEVELS

    @property
    def is_known(self) -> bool:
        """Whether it has a name and nothing speaks against it."""
        return self.shown.verdict is Verdict.KNOWN

    @property
    def best_quality(self) -> float:
        """Quality of the best look; 0 before the first."""
        return self.best.quality.score if self.best else 0.0

    def live_track(self, time_s: float) -> LiveTrack:
        """Return what is shown."""
        best = self.best
        person = self.shown.person
        return LiveTrack(
            track_id=self.track.track_id,
            face=self.track.face,
            decision=self.shown,
            name=None if person is None else person.name,
            is_settled=self.vote.is_settled and not self.track.in_doubt,
            age_s=time_s - self.track.began_s,
            quality=self.quality.score,
            quality_issues=self.quality.issues,
            best_crop=best.crop if best else None,
            best_embedding=best.embedding if best else None,
            best_quality=self.best_quality,
            best_issues=best.quality.issues if best else (),
        )


class TrackNames:
    """Gives names to tracks.

    Attributes:
        contract_id: of the Embeddings.
    """

    def __init__(
        self, gallery: OpenGallery, contract_id: str, rule: MatchRule, options: LiveOptions
    ) -> None:
        self.contract_id = contract_id
        self._gallery = gallery
        self._rule = rule
        self._options = options
        self._revision: tuple[str, int] | None = None
        self._checked_s = -np.inf

    def watch(self, track: Track) -> Watched:
        """Begin to watch a track."""
        nothing = Decision(
            verdict=Verdict.UNSURE,
            reason=Reason.TOO_FEW_LOOKS,
            person=None,
            candidates=(),
            threshold=self._rule.threshold,
            margin=None,
            required_margin=self._rule.required_margin,
        )
        return Watched(track, TrackVote(self._options.vote), nothing, nothing, nothing)

    def has_changed(self, time_s: float) -> bool:
        """Whether the gallery is another one than when this was last asked; seldom looks."""
        if 0 <= time_s - self._checked_s < self._options.gallery_check_s:
            return False
        self._checked_s = time_s
        state = self._gallery.state()
        before, self._revision = self._revision, (state.uuid, state.revision)
        return self._revision != before

    def add_look(
        self, watched: Watched, vector: NDArray[np.float32], crop: Crop, time_s: float
    ) -> bool:
        """Count one more look at a track.

        Args:
            watched: the track; its quality is that of the Crop.
            vector: (D,) of unit length.
            crop: (S, S, 3) uint8, RGB.
            time_s: when.

        Returns:
            Whether the track goes on; else its face is somebody else's now, and this look does not
            belong to it.
        """
        watched.looked_s = time_s
        quality = watched.quality
        said = self._said_alone(watched, vector)
        if said is not None and said.person_id != watched.track.taken_for:
            goes_on = not watched.track.in_doubt
            watched.track.in_doubt = watched.track.must_ask = True
            return goes_on
        if self._is_somebody_else(watched, vector):
            watched.n_strikes += 1
            watched.track.in_doubt = watched.track.must_ask = True
            return watched.n_strikes < _STRIKES
        if watched.track.in_doubt and said is None:
            watched.n_strikes += quality.score >= _CLEAR_QUALITY
            return watched.n_strikes < _MOST_DOUBTFUL
        watched.track.in_doubt = False
        watched.n_strikes = 0
        look = Look(vector, quality.score, quality.issues)
        watched.vote.add(look)
        watched.track.learn(vector, look.weight)
        watched.is_asked = True
        if watched.best is None or quality.score > watched.best_quality:
            watched.best = BestLook(crop, Embedding(vector, self.contract_id), quality)
        return True

    def answer(self, watched: Sequence[Watched]) -> None:
        """Decide on the tracks of one frame; nobody is named twice.

        Raises:
            EmbeddingMismatchError: the gallery was made with another model.
            StoreError: the gallery cannot be read.
        """
        self._ask([w for w in watched if w.is_asked and w.vote.n_looks])
        shown = [self._settled(w) for w in watched]
        held = [_HOLDER_ADVANTAGE if w.is_known else 0.0 for w in watched]
        once = name_once(shown, [w.candidates for w in watched], advantages=held)
        for w, before, after in zip(watched, shown, once, strict=True):
            if after is not before:
                w.vote.release()
            w.shown = after
            if not w.track.in_doubt:
                w.believed = after
                w.track.taken_for = None if after.person is None else after.person.person_id

    def _ask(self, watched: Sequence[Watched]) -> None:
        """Find the nearest people of the looks of each track."""
        if not watched:
            return
        directions = np.stack([w.vote.direction() for w in watched])
        with self._gallery.store.read() as session:
            nearest = self._gallery.candidates(session, directions, self.contract_id)
        for w, found in zip(watched, nearest, strict=True):
            w.candidates = tuple(found)
            w.decided = self._decided(w.candidates, w.vote.issues())
            w.is_asked = False

    def _settled(self, watched: Watched) -> Decision:
        if not watched.vote.n_looks:
            return watched.decided
        shown = watched.vote.settle(watched.decided)
        if watched.track.in_doubt:
            return withheld(shown, Reason.IN_DOUBT)
        return shown

    def _said_alone(self, watched: Watched, vector: NDArray[np.float32]) -> Candidate | None:
        """Whom a look by itself shows, where that says something of a track with earlier looks.

        It does when it names whom the track is taken for, or when it is nearer to somebody else
        than to the track's own looks.
        """
        track = watched.track
        likeness = track.likeness(vector[None])
        if likeness is None or (track.taken_for is None and not track.in_doubt):
            return None
        with self._gallery.store.read() as session:
            (found,) = self._gallery.candidates(session, vector[None], self.contract_id)
        person = self._decided(found, watched.quality.issues).person
        if person is None or person.person_id == track.taken_for:
            return person
        is_clear = watched.quality.score >= _CLEAR_QUALITY
        return person if is_clear and person.score > likeness[0] else None

    def _decided(self, candidates: Sequence[Candidate], issues: Sequence[QualityIssue]) -> Decision:
        return decide(
            candidates,
            threshold=self._rule.threshold,
            required_margin=self._rule.required_margin,
            quality_issues=issues,
        )

    def _is_somebody_else(self, watched: Watched, vector: NDArray[np.float32]) -> bool:
        likeness = watched.track.likeness(vector[None])
        if likeness is None or watched.quality.score < _CLEAR_QUALITY:
            return False
        has_clear_look = watched.best_quality >= _CLEAR_QUALITY
        return has_clear_look and likeness[0] < self._options.tracker.other_score
