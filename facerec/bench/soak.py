"""``facerec bench soak``: hours of live view. Does memory grow, stays a thread, do events add up?

One video is played again and again through the whole engine (capture, tracks, names, history) as
fast as it goes; times in it run on as if it were watched live. Before each loop nobody is in sight
for two seconds, so the same must happen in every loop. Some loops break off: the camera is gone,
cannot be opened at first, and comes back.
"""

from __future__ import annotations

import gc
import math
import os
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from facerec.bench.soak_events import EventBook
from facerec.bench.stability import enroll_cast
from facerec.bench.stability_script import choose_cast, make_script
from facerec.config import LiveSettings
from facerec.errors import DependencyError, FacerecError, RangeError, SourceError
from facerec.imaging.capture import SourceState
from facerec.imaging.video import VideoFrame
from facerec.match.rule import MatchRule
from facerec.pipeline import Pipeline
from facerec.progress import SilentTask, Task
from facerec.services.gallery import OpenGallery, open_gallery
from facerec.services.live import LiveEngine, LiveEvent, LiveFrame
from facerec.services.recorder import Recorder
from facerec.services.sightings import list_sightings
from facerec.types import ImageRGB

# A little slower than 25 a second: no interval of the engine is a whole number of frames, so that
# rounding does not decide on which frame it ends.
FRAMES_PER_S = 24.9
# Nobody is in sight for so many frames before each loop; every track ends.
_EMPTY_FRAMES = 50
# This share of the loops is warm-up: pools are made, caches filled.
_WARM_UP = 0.1
_MOST_GROWTH_MIB = 20.0


@dataclass(frozen=True, slots=True)
class SoakVideo:
    """What is played.

    Attributes:
        frame: draws a frame, (H, W, 3) uint8, RGB, by its number, counted from 0.
        n_frames: in which somebody is in sight; later ones show nobody.
    """

    frame: Callable[[int], ImageRGB]
    n_frames: int

    @property
    def n_whole(self) -> int:
        """Frames of a loop, those without anybody included."""
        return self.n_frames + _EMPTY_FRAMES

    @property
    def duration_s(self) -> float:
        """Of a loop."""
        return self.n_whole / FRAMES_PER_S


@dataclass(frozen=True, slots=True)
class Usage:
    """What the process holds at one moment."""

    memory_mib: float
    n_threads: int
    n_files: int


@dataclass(frozen=True, slots=True)
class SoakReport:
    """What a soak showed.

    Attributes:
        n_loops: how often the video was played.
        n_frames: handled.
        video_s: seconds of video they stand for.
        wall_s: seconds it took.
        usages: at the end of each loop.
        n_losses: times that the camera went.
        n_returns: times that it came back.
        event_counts: (appeared, recognised, left) of each undisturbed loop.
        event_faults: what was wrong with events, in words.
        n_left: events that somebody left.
        n_visits: visits noted in the gallery's history.
        left_behind: threads of the engine that still run at the end.
        error: why the engine ended early, if it did.
    """

    n_loops: int
    n_frames: int
    video_s: float
    wall_s: float
    usages: tuple[Usage, ...]
    n_losses: int
    n_returns: int
    event_counts: tuple[tuple[int, int, int], ...]
    event_faults: tuple[str, ...]
    n_left: int
    n_visits: int
    left_behind: tuple[str, ...]
    error: str | None = None

    @property
    def warm(self) -> tuple[Usage, ...]:
        """The usages after warm-up."""
        return self.usages[max(1, round(_WARM_UP * len(self.usages))) - 1 :]

    @property
    def growth_mib(self) -> float:
        """Memory at the end less that after warm-up."""
        return self.warm[-1].memory_mib - self.warm[0].memory_mib

    @property
    def faults(self) -> tuple[str, ...]:
        """Everything that should not be, in words."""
        checks = {
            f"memory grew by {self.growth_mib:.1f} MiB": self.growth_mib >= _MOST_GROWTH_MIB,
            "threads came": self.warm[-1].n_threads > self.warm[0].n_threads,
            "files stay open": self.warm[-1].n_files > self.warm[0].n_files,
            "loops differ in their events": len(set(self.event_counts)) > 1,
            "visits are missing in the history": self.n_visits != self.n_left,
            "the camera did not come back": self.n_returns != self.n_losses,
            "threads still run: " + ", ".join(self.left_behind): bool(self.left_behind),
            f"the engine ended early: {self.error}": self.error is not None,
        }
        return (*self.event_faults, *(text for text, is_so in checks.items() if is_so))

    def payload(self) -> dict[str, object]:
        """Everything, as JSON can carry it."""
        return asdict(self) | {"growth_mib": self.growth_mib, "faults": self.faults}


def usage() -> Usage:
    """Say what this process holds.

    Raises:
        DependencyError: the system does not say so.
    """
    own = Path("/proc/self")
    try:
        pages = int((own / "statm").read_text().split()[1])
        n_threads, n_files = (len(list((own / name).iterdir())) for name in ("task", "fd"))
    except OSError as error:
        raise DependencyError(
            "This system does not say how much memory a program uses.",
            remedy="Run the soak on Linux.",
        ) from error
    # (one file is the listing itself)
    return Usage(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, n_threads, n_files - 1)


def soak_people(
    folder: Path,
    pipeline: Pipeline,
    *,
    rule: MatchRule,
    hours: float,
    n_losses: int = 10,
    task: Task | None = None,
) -> SoakReport:
    """Play the scripted video of ``facerec bench stability``, seed 0, for so long.

    Args:
        folder: one subfolder a person, of whom some have seven images or more.
        pipeline: finds and embeds.
        rule: when a Score is enough.
        hours: of video; rounded up to whole loops.
        n_losses: how often the camera is lost.
        task: receives progress.

    Raises:
        NotFoundError: the folder has too few people.
        RangeError: so short a time is too few loops.
        DependencyError: the system does not say how much memory is used.
    """
    cast = choose_cast(folder, pipeline, seed=0)
    script = make_script(cast, seed=0)
    video = SoakVideo(script.frame, script.n_frames)
    with (
        tempfile.TemporaryDirectory(prefix="facerec-soak-") as scratch,
        open_gallery(Path(scratch) / "gallery") as gallery,
    ):
        enroll_cast(gallery, pipeline, cast, rule)
        return measure_soak(
            gallery,
            pipeline,
            video,
            rule=rule,
            n_loops=math.ceil(hours * 3600 / video.duration_s),
            n_losses=n_losses,
            task=task,
        )


def measure_soak(
    gallery: OpenGallery,
    pipeline: Pipeline,
    video: SoakVideo,
    *,
    rule: MatchRule,
    n_loops: int,
    n_losses: int = 10,
    task: Task | None = None,
) -> SoakReport:
    """Play a video again and again through the live engine.

    Args:
        gallery: who is known; visits are noted in its history.
        pipeline: finds and embeds.
        video: what is played.
        rule: when a Score is enough.
        n_loops: how often.
        n_losses: how many of the loops break off.
        task: receives progress.

    Raises:
        RangeError: the loops are too few.
        DependencyError: the system does not say how much memory is used.
    """
    camera = LoopedCamera(video, n_loops, n_losses)
    watcher = _Watcher(camera, task or SilentTask())
    before = {thread.name for thread in threading.enumerate()}
    started = time.perf_counter()
    kept = LiveSettings(keep_strangers=True)
    with Recorder(gallery.folder, kept, source=camera.label) as recorder:

        def on_event(event: LiveEvent) -> None:
            watcher.book.take(event)
            recorder.on_event(event)

        engine = LiveEngine(
            gallery,
            pipeline,
            camera,
            rule=rule,
            on_frame=watcher.on_frame,
            on_event=on_event,
            on_state=watcher.on_state,
        )
        engine.start()
        try:
            while not engine.wait(0.5):
                watcher.task.step("loops", len(watcher.usages), n_loops)
        finally:
            engine.stop()
    error = engine.error or recorder.error
    after = {thread.name for thread in threading.enumerate() if thread.name.startswith("facerec-")}
    book = watcher.book
    return SoakReport(
        n_loops=n_loops,
        n_frames=watcher.n_frames,
        video_s=watcher.n_frames / FRAMES_PER_S,
        wall_s=time.perf_counter() - started,
        usages=tuple(watcher.usages),
        n_losses=watcher.states[SourceState.LOST],
        n_returns=watcher.states[SourceState.RUNNING] - 1,
        event_counts=book.counts([n for n in range(n_loops) if n not in camera.broken]),
        event_faults=tuple(book.faults()),
        n_left=book.n_left,
        n_visits=len(list_sightings(gallery, limit=book.n_left + 1)),
        left_behind=tuple(sorted(after - before)),
        error=None if error is None else error.message,
    )


class LoopedCamera:
    """Plays a video again and again; now and then it is gone for a while.

    Attributes:
        label, is_live: see ``facerec.imaging.frames.FrameSource``.
        broken: numbers of the loops that break off halfway.
    """

    label = "looped video"
    is_live = False

    def __init__(self, video: SoakVideo, n_loops: int, n_losses: int) -> None:
        """Plan; loops that break off lie evenly between others.

        Raises:
            RangeError: the loops are too few.
        """
        if n_loops < 2 * n_losses + 2:
            raise RangeError(
                f"{n_loops} loops are too few to lose the camera {n_losses} times.",
                remedy=f"Play at least {2 * n_losses + 2} loops.",
            )
        step = n_loops / (n_losses + 1)
        self.broken = frozenset(round((number + 1) * step) - 1 for number in range(n_losses))
        self._video = video
        self._n_loops = n_loops
        self._loop = self._number = self._n_since_open = 0
        self._is_gone = False

    def length(self, loop: int) -> int:
        """Frames of a loop."""
        return _EMPTY_FRAMES + self._video.n_frames // (2 if loop in self.broken else 1)

    def open(self) -> None:
        """Open it; the first time after it was lost that fails.

        Raises:
            SourceError: it is not back yet.
        """
        if self._is_gone:
            self._is_gone = False
            raise SourceError("The camera cannot be opened.")
        self._n_since_open = 0

    def read(self) -> VideoFrame | None:
        """Give the next frame; None after the last loop.

        Raises:
            SourceError: the camera has just gone.
        """
        if self._number == self.length(self._loop):
            self._loop, self._number = self._loop + 1, 0
            if self._loop - 1 in self.broken:
                self._is_gone = True
                raise SourceError("The camera gives no images any more.")
        if self._loop == self._n_loops:
            return None
        shown = (self._number - _EMPTY_FRAMES) % self._video.n_whole
        time_s = self._n_since_open / FRAMES_PER_S
        self._number += 1
        self._n_since_open += 1
        return VideoFrame(time_s, self._video.frame(shown))

    def close(self) -> None:
        """Let go of it."""


@dataclass(slots=True)
class _Watcher:
    """Counts frames and loops, and looks at the process at the end of each."""

    camera: LoopedCamera
    task: Task
    book: EventBook = field(default_factory=EventBook)
    usages: list[Usage] = field(default_factory=list)
    states: Counter[SourceState] = field(default_factory=Counter)
    n_frames: int = 0
    _n_in_loop: int = 0

    def on_frame(self, frame: LiveFrame) -> None:
        """Take in a frame; none is lost, so the loop follows from their number."""
        del frame
        if self._n_in_loop == self.camera.length(self.book.loop):
            self.book.loop += 1
            self._n_in_loop = 0
        self.n_frames += 1
        self._n_in_loop += 1
        if self._n_in_loop == self.camera.length(self.book.loop):
            gc.collect()
            self.usages.append(usage())

    def on_state(self, state: SourceState, error: FacerecError | None) -> None:
        """Count how often the camera went and came."""
        del error
        self.states[state] += 1


def format_soak(report: SoakReport) -> str:
    """Lay a report out as plain text."""
    warm = report.warm
    counts = sorted(set(report.event_counts))
    lines = [
        (
            f"{report.n_loops} loops, {report.n_frames:,} frames: {report.video_s / 60:.1f} "
            f"minutes of video in {report.wall_s / 60:.1f} minutes."
        ),
        "",
        _row("", "after warm-up", "at the end", "most"),
        _usage_row("memory, MiB", [round(one.memory_mib, 1) for one in warm]),
        _usage_row("threads", [one.n_threads for one in warm]),
        _usage_row("open files", [one.n_files for one in warm]),
        "",
        f"Memory grew by {report.growth_mib:.1f} MiB.",
        f"The camera was lost {report.n_losses} times and came back {report.n_returns} times.",
        f"Events of a whole loop (appeared, recognised, left): {_listed(counts)}.",
        f"{report.n_left} left; {report.n_visits} visits in the history.",
        "No faults." if not report.faults else "Faults: " + "; ".join(report.faults) + ".",
    ]
    return "\n".join(lines)


def _listed(counts: Sequence[tuple[int, int, int]]) -> str:
    return " or ".join(str(count) for count in counts) or "none"


def _usage_row(name: str, values: Sequence[float]) -> str:
    return _row(name, *(str(value) for value in (values[0], values[-1], max(values))))


def _row(name: str, *cells: str) -> str:
    return name.ljust(14) + "".join(cell.rjust(15) for cell in cells)
