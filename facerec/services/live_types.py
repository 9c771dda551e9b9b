"""What the live engine takes and gives: options, frames, tracks, events."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from facerec.imaging.capture import SourceState
from facerec.track.tracker import TrackerOptions
from facerec.track.vote import VoteOptions
from facerec.types import Crop, Decision, Embedding, Face, ImageRGB, QualityIssue


@dataclass(frozen=True, slots=True)
class LiveOptions:
    """How a video is watched.

    Attributes:
        detect_every_s: time between two searches of the whole image; between them, known faces are
            followed by the detector's last stage. 0 searches every frame.
        look_every_s: time between two looks (Embeddings) at a face whose answer is settled.
        unsure_look_every_s: the same while its answer is not settled, or is not a name.
        max_looks_a_frame: the most faces embedded in one frame, so that a crowd does not stop it.
        gallery_check_s: time between two glances at whether the gallery has changed.
        tracker: how faces are followed.
        vote: how soon a track has a name.
    """

    detect_every_s: float = 0.2
    look_every_s: float = 1.0
    unsure_look_every_s: float = 0.4
    max_looks_a_frame: int = 4
    gallery_check_s: float = 0.5
    tracker: TrackerOptions = field(default_factory=TrackerOptions)
    vote: VoteOptions = field(default_factory=VoteOptions)


@dataclass(frozen=True, slots=True, eq=False)
class LiveTrack:
    """One face in one frame, with what is known of it so far.

    Attributes:
        track_id: the same for the same face from frame to frame; never given twice.
        face: box, landmarks and score in this frame.
        decision: the answer of all its looks together, with the reason.
        name: of the Person; None unless the answer is ``KNOWN``.
        is_settled: whether there were enough looks for an answer that will last.
        age_s: time since it was first seen.
        quality: of the face lately, in [0, 1].
        quality_issues: why the face is hard to recognise lately.
        best_crop: (S, S, 3) uint8, the Crop of the best look; None before the first.
        best_embedding: made from that Crop.
        best_quality: of that look; 0 before the first.
        best_issues: what is to be said against that look.
    """

    track_id: int
    face: Face
    decision: Decision
    name: str | None
    is_settled: bool
    age_s: float
    quality: float
    quality_issues: tuple[QualityIssue, ...]
    best_crop: Crop | None
    best_embedding: Embedding | None
    best_quality: float
    best_issues: tuple[QualityIssue, ...]


class EventKind(StrEnum):
    """What can happen to a face."""

    APPEARED = "appeared"
    RECOGNISED = "recognised"
    LEFT = "left"


@dataclass(frozen=True, slots=True, eq=False)
class LiveEvent:
    """Something that happened to one face.

    Attributes:
        kind: it appeared, it was given a name (or another name), or it left.
        track_id: which face.
        time_s: when, in seconds of the video.
        at: when, by the clock, UTC.
        began_s: when the face was first seen, in seconds of the video.
        began_at: the same by the clock, UTC.
        decision: the answer at that moment; of a face that left, the last one.
        person_id: of the Person; None unless the answer is ``KNOWN``.
        name: likewise.
        best_crop: (S, S, 3) uint8, the Crop of the best look; None before the first.
        best_embedding: made from that Crop.
        best_quality: of that look; 0 before the first.
    """

    kind: EventKind
    track_id: int
    time_s: float
    at: datetime
    began_s: float
    began_at: datetime
    decision: Decision
    person_id: int | None
    name: str | None
    best_crop: Crop | None
    best_embedding: Embedding | None
    best_quality: float


@dataclass(frozen=True, slots=True)
class LiveStats:
    """How the engine is doing.

    Attributes:
        fps: frames shown a second, over the last second or so.
        latency_ms: from the moment the frame was there to its result.
        n_dropped: frames that came while an earlier one was worked on, since the start.
        source_state: how the source is doing.
    """

    fps: float = 0.0
    latency_ms: float = 0.0
    n_dropped: int = 0
    source_state: SourceState = SourceState.RUNNING


@dataclass(frozen=True, slots=True, eq=False)
class LiveFrame:
    """One frame with its faces.

    Attributes:
        image: (H, W, 3) uint8, RGB, as it was taken; do not write into it.
        time_s: seconds since the beginning of the video.
        tracks: one per face that is seen in this frame, oldest first.
        stats: how the engine is doing.
        events: what happened in this frame.
    """

    image: ImageRGB
    time_s: float
    tracks: tuple[LiveTrack, ...]
    stats: LiveStats
    events: tuple[LiveEvent, ...] = ()
