"""``facerec bench live``: a video of three people, beside programs that look at each frame anew.

1280x720 at 25 frames a second; heads cut out of photographs walk before a ground, so that where
they are is known in each frame. Speed is measured in turns with the peers; delay with the engine
in its threads and frames coming at their times; boxes are held against the truth on every frame.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facerec.bench.harness import BenchReport, Case, Contender, run_interleaved
from facerec.errors import ConfigError
from facerec.imaging.frames import ImagesSource
from facerec.imaging.scripted import Script
from facerec.imaging.video import VideoFrame
from facerec.match.rule import MatchRule
from facerec.pipeline import Pipeline
from facerec.progress import Task
from facerec.services.cast import cut_out_people, walk_by
from facerec.services.gallery import OpenGallery, open_gallery
from facerec.services.live import LiveCore, LiveEngine, LiveFrame
from facerec.track.motion import overlaps

MIN_FACE_PX = 40
N_PEOPLE = 3
N_FRAMES = 40
# Frames a worker handles at a time: two searches of the whole image fall among them.
FRAMES_A_RUN = 10
CASE = "1280x720, 3 people"
PEERS = (
    Contender(
        "facenet-pytorch",
        "facenet_live.py",
        {"min_face_px": MIN_FACE_PX, "n_frames": FRAMES_A_RUN},
        "Install it: pip install 'facerec[train]'.",
    ),
    Contender(
        "dlib",
        "dlib_live.py",
        {"n_frames": FRAMES_A_RUN},
        "Install it: pip install dlib-bin face-recognition-models 'setuptools<81'.",
    ),
)


@dataclass(frozen=True, slots=True)
class LiveBench:
    """What was measured.

    Attributes:
        speed: of all programs, for ``FRAMES_A_RUN`` frames.
        latency_median_ms: from the frame's coming to its answer, in the engine's threads.
        latency_p95_ms: which 95 % of the frames do not exceed.
        n_shown: frames that were answered.
        n_dropped: frames that were not, since a newer one was there.
        least_iou: smallest overlap of a box with the truth, over all frames after the first.
        n_missing: faces without a box, over all frames after the first.
    """

    speed: BenchReport
    latency_median_ms: float
    latency_p95_ms: float
    n_shown: int
    n_dropped: int
    least_iou: float
    n_missing: int

    def fps(self, contender: str) -> float:
        """Frames a second of one program."""
        return FRAMES_A_RUN / self.speed.timing(contender, CASE).median_s

    def payload(self) -> dict[str, object]:
        """Everything, as JSON can carry it."""
        names = [timing.contender for timing in self.speed.timings]
        numbers = {key: value for key, value in asdict(self).items() if key != "speed"}
        return numbers | {
            "fps": {name: self.fps(name) for name in names},
            "speed": self.speed.payload(),
        }


def measure_live(
    folder: Path,
    pipeline: Pipeline,
    *,
    rule: MatchRule,
    n_rounds: int = 5,
    peers: Sequence[str] | None = None,
    task: Task | None = None,
) -> LiveBench:
    """Measure speed, delay and boxes.

    Args:
        folder: photographs of at least three people.
        pipeline: finds and embeds.
        rule: when a Score is enough.
        n_rounds: how many rounds count.
        peers: names out of ``PEERS``; all of them when not given.
        task: receives progress.

    Raises:
        ConfigError: there is no such peer.
        NotFoundError: the folder shows too few people.
    """
    known = {peer.name: peer for peer in PEERS}
    for name in peers or ():
        if name not in known:
            raise ConfigError(
                f"There is no peer named {name!r}.", remedy=f"Peers: {', '.join(known)}."
            )
    chosen = PEERS if peers is None else [known[name] for name in peers]
    people = cut_out_people(folder, pipeline.detector, n=N_PEOPLE)
    script = walk_by(people, duration_s=N_FRAMES / 25)
    video = np.stack([script.frame(number) for number in range(N_FRAMES)])
    with tempfile.TemporaryDirectory(prefix="facerec-live-") as scratch:
        place = Path(scratch) / "gallery"
        with open_gallery(place) as gallery:
            least_iou, n_missing = _boxes(LiveCore(gallery, pipeline, rule=rule), script, video)
            frames = _played(gallery, pipeline, rule, video)
        subject = Contender(
            "facerec",
            "facerec_live.py",
            {"min_face_px": MIN_FACE_PX, "n_frames": FRAMES_A_RUN, "gallery": str(place)},
        )
        speed = run_interleaved(
            [subject, *chosen], [Case(CASE, _to_and_fro(video))], n_rounds=n_rounds, task=task
        )
    delays = [frame.stats.latency_ms for frame in frames]
    median, p95 = np.percentile(delays, (50, 95))
    return LiveBench(
        speed,
        float(median),
        float(p95),
        len(frames),
        frames[-1].stats.n_dropped,
        least_iou,
        n_missing,
    )


def _boxes(core: LiveCore, script: Script, video: NDArray[np.uint8]) -> tuple[float, int]:
    """Smallest overlap with the truth, and how many faces have no box, from the second frame on."""
    least, n_missing = 1.0, 0
    for number, image in enumerate(video):
        tracks = core.process(image, number / script.frames_per_s).tracks
        truth = np.array([face.box_xyxy for face in script.truth(number)], dtype=np.float64)
        boxes = np.array([track.face.box_xyxy for track in tracks], dtype=np.float64)
        best = overlaps(truth, boxes.reshape(-1, 4)).max(axis=1, initial=0.0)
        if number:
            n_missing += int((best == 0).sum())
            least = min(least, float(best.min()))
    return least, n_missing


def _played(
    gallery: OpenGallery, pipeline: Pipeline, rule: MatchRule, video: NDArray[np.uint8]
) -> list[LiveFrame]:
    """Let the engine watch the video to and fro, frames coming at their times."""
    shown: list[LiveFrame] = []
    images = [VideoFrame(number / 25, image) for number, image in enumerate(_to_and_fro(video))]
    source = ImagesSource(lambda: images, is_live=True)
    engine = LiveEngine(gallery, pipeline, source, rule=rule, on_frame=shown.append)
    engine.start()
    engine.wait()
    engine.stop()
    if engine.error is not None:
        raise engine.error
    return shown


def _to_and_fro(video: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Video (N, H, W, 3) forwards and backwards, so that nothing jumps when it begins again."""
    return np.concatenate([video, video[-2:0:-1]])


def format_live(bench: LiveBench) -> str:
    """Lay what was measured out as plain text."""
    lines = [f"{CASE:<22}{'frames/s':>10}{'ms a frame':>12}{'x facerec (95 %)':>22}"]
    for timing in bench.speed.timings:
        ratio = bench.speed.ratio(timing.contender, CASE)
        lines.append(
            f"  {timing.contender:<20}{bench.fps(timing.contender):>10.1f}"
            f"{timing.median_s * 1e3 / FRAMES_A_RUN:>12.1f}"
            f"{f'{ratio.value:.2f} ({ratio.low:.2f}-{ratio.high:.2f})':>22}"
        )
    lines += [f"not measured: {entry.reason} {entry.remedy}" for entry in bench.speed.absences]
    lines.append(
        f"from frame to answer: median {bench.latency_median_ms:.1f} ms, 95 % within "
        f"{bench.latency_p95_ms:.1f} ms; {bench.n_shown} frames shown, {bench.n_dropped} dropped"
    )
    lines.append(
        f"boxes: smallest overlap with the truth {bench.least_iou:.2f}, "
        f"{bench.n_missing} faces without a box"
    )
    machine = bench.speed.machine
    lines.append(f"{machine['processor']}, {machine['cores']} cores, {machine['date']}")
    return "\n".join(lines)
