"""Faces over time -> tracks: who is the same as a moment ago.

Each face is expected where its speed carries it, and paired with what was found by overlap. Where
that is not clear (people cross, one hides another, somebody comes back) the faces' Embeddings are
asked for and decide; a track that was in doubt is believed again only when its face looks like
itself. Of names only
so much is known: tracks that are taken for different people do not take each other's faces.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facerec.track.assign import FORBIDDEN, assign
from facerec.track.motion import Motion, covered_shares, distances, enlarged, overlaps
from facerec.types import Face

Floats = NDArray[np.float64]
# A track seen within this time may still hide a face, though it was not seen in this frame.
_FRESH_S = 0.3
# So much more like a face must a lost track be to take it from one that is in doubt.
_CLEAR_LEAD = 0.1
# A track not older than this may have begun by mistake, while its face's own track was lost.
_YOUNG_S = 1.0
# A head reaches beyond its face's box on each side by this share of the box.
_HEAD_SIDE = 0.25
# Another head before so much of a face's box may hide some of what it is known by.
_COVERED = 0.02
# A face that overlaps a track's place so much is its own, unless others are near.
_OWN_OVERLAP = 0.4
# Numbers of faces -> their unit vectors (n, D) and qualities (n,).
AskLooks = Callable[[Sequence[int]], tuple[NDArray[np.float32], NDArray[np.float32]]]


@dataclass(frozen=True, slots=True)
class TrackerOptions:
    """How faces are followed.

    Attributes:
        max_lost_s: how long a face may be out of sight and still be taken for the same.
        same_score: Score with its own earlier faces from which on a doubtful face is believed.
        other_score: Score below which a good face is somebody else, wherever it is.
        reach: distance, in widths of a face, up to which a face just seen is looked for.
        reach_per_s: how much further per second out of sight.
        max_reach: but no further than this.
        touching: overlap of two heads from which on one may hide part of the other.
    """

    max_lost_s: float = 1.5
    same_score: float = 0.4
    other_score: float = 0.2
    reach: float = 0.7
    reach_per_s: float = 2.5
    max_reach: float = 3.0
    touching: float = 0.05


class Track:
    """One face over time.

    Attributes:
        track_id: counts up from 1 and is never given twice.
        began_s: when it was first seen.
        face: as last seen.
        n_seen: in how many frames it was seen.
        n_unconfirmed: how many full searches in a row did not find it by themselves.
        in_doubt: whether it may be somebody else since it was last believed.
        must_ask: whether its looks are asked for before it is paired again.
        is_touching: whether another head is so near that it may hide part of the face.
        taken_for: number of the Person it is taken for; None while for nobody.
    """

    def __init__(self, track_id: int, face: Face, time_s: float) -> None:
        self.track_id = track_id
        self.began_s = time_s
        self.face = face
        self.n_seen = 1
        self.n_unconfirmed = 0
        self.in_doubt = False
        self.must_ask = False
        self.is_touching = False
        self.taken_for: int | None = None
        self.motion = Motion(face.box_xyxy, time_s)
        self._sum: Floats | None = None
        self.n_looks = 0

    @property
    def seen_s(self) -> float:
        """When it was last seen."""
        return self.motion.seen_s

    def learn(self, vector: NDArray[np.float32], weight: float) -> None:
        """Remember a look.

        Args:
            vector: (D,) of unit length.
            weight: how much it counts, above 0.
        """
        # Older looks fade, so that slow changes are followed.
        added = weight * vector.astype(np.float64)
        self._sum = added if self._sum is None else added + 0.9 * self._sum
        self.n_looks += 1

    def likeness(self, vectors: NDArray[np.float32]) -> Floats | None:
        """Scores of faces with this track's own looks; None while it has none.

        Args:
            vectors: (N, D) of unit length.
        """
        if self._sum is None:
            return None
        scores: Floats = vectors.astype(np.float64) @ (self._sum / np.linalg.norm(self._sum))
        return scores

    def see(self, face: Face, time_s: float) -> None:
        """Take in the face as it is now."""
        self.face = face
        self.n_seen += 1
        self.motion.see(face.box_xyxy, time_s)


class Tracker:
    """All tracks of one video.

    Attributes:
        options: how faces are followed.
        tracks: those that are seen or were a moment ago.
    """

    def __init__(
        self, options: TrackerOptions | None = None, *, return_score: float = -1.0
    ) -> None:
        """Begin without tracks.

        Args:
            options: how faces are followed; the defaults when not given.
            return_score: Score with its own earlier faces from which on a face that was out of
                sight is believed, where that is more than ``same_score``: whoever takes a track
                up takes its name.
        """
        self.options = options or TrackerOptions()
        self.tracks: list[Track] = []
        self._return_score = max(return_score, self.options.same_score)
        self._updated_s = -np.inf
        self._next_id = 1

    def predicted(self, time_s: float, tracks: Sequence[Track] | None = None) -> Floats:
        """Say where faces will be.

        Args:
            time_s: when.
            tracks: of which tracks; all of them when not given.

        Returns:
            (N, 4) left, top, right, bottom, pixels.
        """
        chosen = self.tracks if tracks is None else tracks
        return np.array([track.motion.predicted(time_s) for track in chosen]).reshape(-1, 4)

    def doubt_all(self) -> None:
        """Believe no track any more until its face was looked at: the image jumped."""
        for track in self.tracks:
            track.must_ask = True

    def update(
        self, faces: Sequence[Face], time_s: float, ask: AskLooks, *, may_start: bool = True
    ) -> list[Track | None]:
        """Pair the faces of one frame with the tracks; begin tracks for faces that are new.

        Args:
            faces: of one frame, each once.
            time_s: when, later than the last time.
            ask: called for the looks of faces that overlap alone cannot pair.
            may_start: whether faces without track begin one.

        Returns:
            The track of each face; None for faces without one, when none may begin.
        """
        found: list[Track | None] = [None] * len(faces)
        boxes = np.array([face.box_xyxy for face in faces], dtype=np.float64).reshape(-1, 4)
        table = overlaps(self.predicted(time_s), boxes)
        costs = self._costs(boxes, table, time_s)
        scores = self._likeness(costs, ask)
        scored = np.isfinite(scores)
        costs[scored] += 2.0 * (1.0 - scores[scored])
        costs[scores < self.options.other_score] = FORBIDDEN
        for row, column in assign(costs):
            found[column] = self.tracks[row]
            self._believe(self.tracks[row], scores[:, column], row)
        self._regain(found, time_s, ask)
        for column, face in enumerate(faces):
            track = found[column]
            if track is not None:
                track.see(face, time_s)
            elif may_start:
                found[column] = self.start(face, time_s)
        self._mark(time_s)
        self._updated_s = time_s
        return found

    def start(self, face: Face, time_s: float) -> Track:
        """Begin a track."""
        track = Track(self._next_id, face, time_s)
        self._next_id += 1
        self.tracks.append(track)
        return track

    def end_lost(self, time_s: float) -> list[Track]:
        """Forget tracks that were out of sight for too long, and return them."""
        limit = self.options.max_lost_s
        ended = [track for track in self.tracks if time_s - track.seen_s > limit]
        self.tracks = [track for track in self.tracks if time_s - track.seen_s <= limit]
        return ended

    def end(self, track: Track) -> None:
        """Forget one track."""
        self.tracks.remove(track)

    def _costs(self, boxes: Floats, table: Floats, time_s: float) -> Floats:
        """Cost of each pair (N, M) by place alone; forbidden when out of reach."""
        away = distances(self.predicted(time_s), boxes)
        lost_s = np.array([time_s - track.seen_s for track in self.tracks])
        reach = self.options.reach + self.options.reach_per_s * np.maximum(lost_s - 0.05, 0.0)
        costs: Floats = 1.0 - table + 0.5 * np.minimum(away, 10.0)
        costs[away > np.minimum(reach, self.options.max_reach)[:, None]] = FORBIDDEN
        for row, column in self._owned(table, time_s):
            own = costs[row, column]
            costs[:, column] = FORBIDDEN
            costs[row, column] = own
        return costs

    def _owned(self, table: Floats, time_s: float) -> list[tuple[int, int]]:
        """Pairs beyond doubt: a face where a track was a moment ago, and no other one near."""
        is_fresh = np.array([time_s - track.seen_s <= _FRESH_S for track in self.tracks], bool)
        near = (table > self.options.touching) & is_fresh[:, None]
        return [
            (row, int(column))
            for row, track in enumerate(self.tracks)
            if is_fresh[row] and not track.must_ask
            for column in np.flatnonzero(table[row] >= _OWN_OVERLAP)
            if near[:, column].sum() == 1 and near[row].sum() == 1
        ]

    def _likeness(self, costs: Floats, ask: AskLooks) -> Floats:
        """Scores (N, M) of pairs that place alone cannot decide; NaN for the others."""
        scores = np.full(costs.shape, np.nan)
        possible = costs < FORBIDDEN
        asking = np.array([track.must_ask for track in self.tracks], dtype=bool)
        unclear = possible & (
            asking[:, None]
            | (possible.sum(axis=0) > 1)[None, :]
            | (possible.sum(axis=1) > 1)[:, None]
        )
        columns = np.flatnonzero(unclear.any(axis=0))
        if not columns.size:
            return scores
        vectors, qualities = ask(columns.tolist())
        for row in np.flatnonzero(unclear.any(axis=1)):
            likeness = self.tracks[row].likeness(vectors)
            if likeness is None:
                continue
            # Too poor a face to say that it is somebody else.
            floor = np.where(qualities < 0.5, self.options.other_score, -1.0)
            scores[row, columns] = np.maximum(likeness, floor)
        scores[~possible] = np.nan
        return scores

    def _believe(self, track: Track, column: Floats, row: int) -> None:
        """Settle whether the face just paired is believed to be the track's own."""
        score = column[row]
        if np.isnan(score):  # nobody asked, or there is nothing yet to compare with
            return
        others = np.delete(column, row)
        rival = np.nanmax(others) if np.isfinite(others).any() else -1.0
        was_there = track.seen_s >= self._updated_s
        needed = self.options.same_score if was_there else self._return_score
        track.in_doubt = not (score >= needed and score > rival)

    def _regain(self, found: list[Track | None], time_s: float, ask: AskLooks) -> None:
        """Give faces back to lost tracks that they clearly look like.

        Such a face has no track, or one that is in doubt and looks less like it, or one so young
        that it may have begun by mistake; that one ends then. A young track that is taken for
        somebody else did not begin by mistake.
        """
        lost = [track for track in self.tracks if track not in found and track.n_looks > 0]
        free = [column for column, track in enumerate(found) if _is_open(track, time_s)]
        if not lost or not free:
            return
        vectors, _ = ask(free)
        costs = np.full((len(lost), len(free)), FORBIDDEN)
        for row, track in enumerate(lost):
            likeness = track.likeness(vectors)
            if likeness is not None:
                costs[row] = np.where(likeness >= self._return_score, 1 - likeness, FORBIDDEN)
        for index, column in enumerate(free):
            holder = found[column]
            costs[costs[:, index] >= 1 - self._claim(holder, vectors[index]), index] = FORBIDDEN
            costs[[_is_another(track, holder) for track in lost], index] = FORBIDDEN
        for row, index in assign(costs):
            holder, track = found[free[index]], lost[row]
            if holder is not None and not holder.in_doubt:
                self.end(holder)
            track.in_doubt = False
            track.motion.forget()
            found[free[index]] = track

    def _claim(self, holder: Track | None, vector: NDArray[np.float32]) -> float:
        """Score that a lost track must beat to take a face (D,) from the track that has it."""
        likeness = holder.likeness(vector[None]) if holder and holder.in_doubt else None
        return -1.0 if likeness is None else float(likeness[0]) + _CLEAR_LEAD

    def _mark(self, time_s: float) -> None:
        """Note which tracks must be looked at before they are paired the next time."""
        faces = self.predicted(time_s)
        heads = enlarged(faces, _HEAD_SIDE)
        touching = overlaps(heads, heads) > self.options.touching
        covered = covered_shares(faces, heads) > _COVERED
        np.fill_diagonal(touching, val=False)
        np.fill_diagonal(covered, val=False)
        is_fresh = np.array([time_s - track.seen_s <= _FRESH_S for track in self.tracks], bool)
        for row, track in enumerate(self.tracks):
            # Out of sight for one frame, somebody else may have taken the place.
            hidden = track.seen_s < time_s
            track.is_touching = bool(covered[row][is_fresh].any())
            track.must_ask = bool(touching[row].any()) or track.in_doubt or hidden


def _is_open(track: Track | None, time_s: float) -> bool:
    """Whether a face with that track may still be given to another one."""
    return track is None or track.in_doubt or time_s - track.began_s <= _YOUNG_S


def _is_another(track: Track, holder: Track | None) -> bool:
    """Whether the holder of a face is taken for somebody whom the track is not taken for."""
    return (
        holder is not None
        and not holder.in_doubt
        and holder.taken_for is not None
        and holder.taken_for != track.taken_for
    )
