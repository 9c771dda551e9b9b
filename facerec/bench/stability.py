"""``facerec bench stability``: are names right and steady in a video whose truth is known?

People from a folder (one subfolder a person) play a script: two cross, a pillar hides somebody, one
leaves and comes back with another look while a stranger takes the place, people go out of focus,
look-alikes and strangers pass. A stay shows several photographs of its person in turn, none of
which was enrolled. The same video is answered by the live engine and, to compare, frame by frame
without tracks.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facerec.bench.stability_script import Cast, choose_cast, make_script
from facerec.imaging.scripted import Script, TrueFace
from facerec.match.rule import MatchRule
from facerec.pipeline import Pipeline
from facerec.progress import SilentTask, Task
from facerec.services.enroll import EnrollOptions, FacePolicy, enroll
from facerec.services.gallery import OpenGallery, open_gallery
from facerec.services.identify import identify
from facerec.services.live_core import LiveCore
from facerec.track.motion import overlaps
from facerec.types import ImageRGB

# A frame counts for a face of which so much is seen, not more blurred than this.
_VISIBLE = 0.6
_SHARPEST_MISS_PX = 2.0
_SAME_FACE = 0.5
# From the beginning of a stay on, so long a name need not be there yet.
GRACE_S = 0.5


@dataclass(frozen=True, slots=True)
class Answer:
    """One box with a name, or without one."""

    box: tuple[float, float, float, float]
    name: str | None
    track_id: int = 0


@dataclass(frozen=True, slots=True)
class Steadiness:
    """How right and steady the names of one way of naming were.

    Attributes:
        n_swaps: stays of enrolled people that were given somebody else's name at any time.
        n_stays: of enrolled people.
        n_strangers_named: stays of strangers that were given a name at any time.
        n_stranger_stays: of strangers.
        n_right: frames of enrolled people with the right name, after the first half second.
        n_frames: all such frames, those without a box included.
        n_changes: times that a stay's name came, went or changed beyond its first coming.
        first_right_s: from each stay's beginning to its first right name; only those that had one.
        n_never: stays of enrolled people that never had their name.
        least_iou: smallest overlap with the truth of a box found for a fully visible face.
        n_boxless: frames in which a fully visible face had no box, after the first half second.
        n_visible: all frames of fully visible faces, after the first half second.
    """

    n_swaps: int = 0
    n_stays: int = 0
    n_strangers_named: int = 0
    n_stranger_stays: int = 0
    n_right: int = 0
    n_frames: int = 0
    n_changes: int = 0
    first_right_s: tuple[float, ...] = ()
    n_never: int = 0
    least_iou: float = 1.0
    n_boxless: int = 0
    n_visible: int = 0

    @property
    def right_share(self) -> float:
        """Share of frames with the right name."""
        return self.n_right / max(self.n_frames, 1)

    def payload(self) -> dict[str, object]:
        """Everything, as JSON can carry it."""
        median = float(np.median(self.first_right_s)) if self.first_right_s else None
        return asdict(self) | {"right_share": self.right_share, "first_right_median_s": median}


@dataclass(frozen=True, slots=True)
class SeedResult:
    """Both ways on the video of one seed."""

    seed: int
    live: Steadiness
    each_frame: Steadiness


def measure_stability(
    folder: Path,
    pipeline: Pipeline,
    *,
    rule: MatchRule,
    seeds: Sequence[int],
    every: int = 1,
    task: Task | None = None,
) -> list[SeedResult]:
    """Play the scripted video of each seed to both ways of naming.

    Args:
        folder: one subfolder a person, of whom some have seven images or more.
        pipeline: finds and embeds.
        rule: when a Score is enough.
        seeds: of the people and their ways.
        every: name each so manieth frame by itself, for comparison; 0 for none.
        task: receives progress.

    Raises:
        NotFoundError: the folder has too few people.
    """
    task = task or SilentTask()
    results = []
    for done, seed in enumerate(seeds):
        task.step("videos", done, len(seeds))
        cast = choose_cast(folder, pipeline, seed=seed)
        script = make_script(cast, seed=seed)
        with (
            tempfile.TemporaryDirectory(prefix="facerec-stability-") as scratch,
            open_gallery(Path(scratch) / "gallery") as gallery,
        ):
            enroll_cast(gallery, pipeline, cast, rule)
            results.append(
                SeedResult(seed, *play(script, cast.enrolled, gallery, pipeline, rule, every=every))
            )
    task.step("videos", len(seeds), len(seeds))
    return results


def enroll_cast(gallery: OpenGallery, pipeline: Pipeline, cast: Cast, rule: MatchRule) -> None:
    """Enrol those who are to be known."""
    options = EnrollOptions(policy=FacePolicy.CENTRAL, allow_conflict=True, allow_low_quality=True)
    for name, paths in cast.enrolled.items():
        enroll(gallery, pipeline, name, list(paths), rule=rule, options=options)


def play(
    script: Script,
    enrolled: Iterable[str],
    gallery: OpenGallery,
    pipeline: Pipeline,
    rule: MatchRule,
    *,
    every: int = 1,
) -> tuple[Steadiness, Steadiness]:
    """Answer one video by the live engine, and each so manieth frame by itself.

    Args:
        script: the video.
        enrolled: names of those who should be known.
        gallery: in which they are.
        pipeline: finds and embeds.
        rule: when a Score is enough.
        every: see ``measure_stability``.
    """
    names = frozenset(enrolled)
    core = LiveCore(gallery, pipeline, rule=rule)
    frame_s = 1 / script.frames_per_s
    live, single = Judge(names, step_s=frame_s), Judge(names, step_s=max(every, 1) * frame_s)
    for number, frame in enumerate(script.frames()):
        truth = script.truth(number)
        shown = core.process(frame.image, frame.time_s)
        live.see(
            truth,
            [
                Answer(_ltrb(track.face.box_xyxy), track.name, track.track_id)
                for track in shown.tracks
            ],
            frame.time_s,
        )
        if every and number % every == 0:
            single.see(truth, _each_frame(gallery, pipeline, frame.image, rule), frame.time_s)
    return live.result(), single.result()


def _each_frame(
    gallery: OpenGallery, pipeline: Pipeline, image: ImageRGB, rule: MatchRule
) -> list[Answer]:
    return [
        Answer(
            _ltrb(found.face.box_xyxy),
            None if found.decision.person is None else found.decision.person.name,
        )
        for found in identify(gallery, pipeline, image, rule=rule)
    ]


class _Stay:
    """What was answered during one stay of one person."""

    def __init__(self, began_s: float, seen_s: float) -> None:
        self.began_s = began_s
        self.seen_s = seen_s
        self.wrong_names: set[str] = set()
        self.right_at_s: float | None = None
        self.last: str | None = None
        self.n_changes = 0
        self.n_right = self.n_frames = 0

    def answer(self, name: str, given: str | None, time_s: float, *, counts: bool) -> None:
        """Take in the answer for one frame."""
        if given != self.last:
            self.n_changes += 1
            self.last = given
        if given == name and self.right_at_s is None:
            self.right_at_s = time_s - self.began_s
        if given is not None and given != name:
            self.wrong_names.add(given)
        if counts and time_s - self.began_s >= GRACE_S:
            self.n_frames += 1
            self.n_right += given == name


class Judge:
    """Compares answers with the truth, frame by frame."""

    def __init__(self, enrolled: frozenset[str], *, step_s: float) -> None:
        """Begin.

        Args:
            enrolled: names that should be given.
            step_s: time between two frames.
        """
        self._enrolled = enrolled
        self._step_s = step_s
        self._stays: dict[str, list[_Stay]] = {}
        self._least_iou = 1.0
        self._n_boxless = self._n_visible = 0

    def see(self, truth: Sequence[TrueFace], answers: Sequence[Answer], time_s: float) -> None:
        """Take in one frame."""
        faces = [face for face in truth if not face.name.startswith("#")]
        matched = _matched(faces, answers)
        for face, (answer, overlap) in zip(faces, matched, strict=True):
            stay = self._stay(face, time_s)
            if stay is None:
                continue
            if answer is not None or face.visible >= _VISIBLE:
                counts = face.visible >= _VISIBLE and face.blur_px <= _SHARPEST_MISS_PX
                given = None if answer is None else answer.name
                if answer is not None or counts:
                    stay.answer(face.name, given, time_s, counts=counts)
            if face.visible > 0.98 and face.blur_px < 1 and time_s - stay.began_s >= GRACE_S:
                self._n_visible += 1
                self._n_boxless += answer is None
                self._least_iou = min(self._least_iou, overlap if answer is not None else 1.0)

    def result(self) -> Steadiness:
        """Sum up."""
        known = [s for name, stays in self._stays.items() if name in self._enrolled for s in stays]
        others = [
            s for name, stays in self._stays.items() if name not in self._enrolled for s in stays
        ]
        return Steadiness(
            n_swaps=sum(bool(stay.wrong_names) for stay in known),
            n_stays=len(known),
            n_strangers_named=sum(bool(stay.wrong_names) for stay in others),
            n_stranger_stays=len(others),
            n_right=sum(stay.n_right for stay in known),
            n_frames=sum(stay.n_frames for stay in known),
            n_changes=sum(max(0, stay.n_changes - 1) for stay in known),
            first_right_s=tuple(s.right_at_s for s in known if s.right_at_s is not None),
            n_never=sum(stay.right_at_s is None for stay in known),
            least_iou=self._least_iou,
            n_boxless=self._n_boxless,
            n_visible=self._n_visible,
        )

    def _stay(self, face: TrueFace, time_s: float) -> _Stay | None:
        """The stay a face belongs to; it begins when enough of the face is seen."""
        stays = self._stays.setdefault(face.name, [])
        if not stays or time_s - stays[-1].seen_s > 2.5 * self._step_s:
            if face.visible < _VISIBLE:
                return None
            stays.append(_Stay(time_s, time_s))
        stays[-1].seen_s = time_s
        return stays[-1]


def _matched(
    faces: Sequence[TrueFace], answers: Sequence[Answer]
) -> list[tuple[Answer | None, float]]:
    """For each true face the answer whose box lies on it best, and how well; none twice."""
    if not faces or not answers:
        return [(None, 0.0)] * len(faces)
    true_boxes = np.array([face.box_xyxy for face in faces], dtype=np.float64)
    boxes = np.array([answer.box for answer in answers], dtype=np.float64)
    # Of a hidden face nothing is found: what lies there is the face in front of it.
    shares = np.array([face.visible for face in faces])
    table = overlaps(true_boxes, boxes)
    result: list[tuple[Answer | None, float]] = [(None, 0.0)] * len(faces)
    weighted = table * (shares[:, None] > 0.2)
    while weighted.max() >= _SAME_FACE:
        row, column = np.unravel_index(int(weighted.argmax()), weighted.shape)
        result[row] = (answers[column], float(table[row, column]))
        weighted[row] = weighted[:, column] = 0.0
    return result


def total(results: Iterable[Steadiness]) -> Steadiness:
    """Add several videos up."""
    listed = list(results)

    def added(name: str) -> int:
        return sum(int(getattr(result, name)) for result in listed)

    counts: Mapping[str, int] = {
        name: added(name) for name in Steadiness.__slots__ if name.startswith("n_")
    }
    return Steadiness(
        **counts,
        first_right_s=tuple(s for result in listed for s in result.first_right_s),
        least_iou=min((result.least_iou for result in listed), default=1.0),
    )


def _ltrb(box: NDArray[np.float32]) -> tuple[float, float, float, float]:
    left, top, right, bottom = (float(side) for side in box)
    return left, top, right, bottom


def format_results(results: Sequence[SeedResult]) -> str:
    """Lay results out as a table of plain text."""
    lines = [
        _line("seed", "way", "swaps", "strangers named", "right", "changes", "first s", "never")
    ]
    for result in results:
        lines.append(_steadiness_line(str(result.seed), "live", result.live))
        lines.append(_steadiness_line("", "each frame", result.each_frame))
    lines.append(_steadiness_line("all", "live", total(r.live for r in results)))
    lines.append(_steadiness_line("", "each frame", total(r.each_frame for r in results)))
    return "\n".join(lines)


def _steadiness_line(seed: str, way: str, s: Steadiness) -> str:
    return _line(
        seed,
        way,
        f"{s.n_swaps} of {s.n_stays}",
        f"{s.n_strangers_named} of {s.n_stranger_stays}",
        f"{s.right_share:.1%}",
        str(s.n_changes),
        f"{np.median(s.first_right_s):.2f}" if s.first_right_s else "-",
        str(s.n_never),
    )


def _line(*cells: str) -> str:
    widths = (6, 12, 11, 17, 9, 9, 9, 7)
    padded = (
        cell.ljust(width) if index < 2 else cell.rjust(width)
        for index, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "".join(padded).rstrip()
