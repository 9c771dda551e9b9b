"""``facerec live``: who comes and goes before a camera?"""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

import click

from facerec.cli import output
from facerec.cli.options import (
    DECISION,
    GALLERY,
    RECOGNITION,
    gallery_folder,
    json_option,
    match_rule,
    opened_gallery,
    opened_pipeline,
    setting_options,
    settings,
)

if TYPE_CHECKING:
    from facerec.errors import FacerecError
    from facerec.imaging.capture import SourceState
    from facerec.services.live import LiveEngine, LiveEvent, LiveFrame

_KEPT = ("live.keep_history", "live.history_days", "live.keep_strangers", "live.strangers_hours")
# How often the command looks up from waiting, so that Ctrl-C is heard.
_POLL_S = 0.2


@click.command()
@click.argument("source")
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    help="Stop after so long; otherwise at the source's end or with Ctrl-C.",
)
@click.option(
    "--paced", is_flag=True, help="Play a file at its own pace, dropping frames if need be."
)
@setting_options(*GALLERY, *DECISION, *RECOGNITION, *_KEPT)
@json_option
def live(
    source: str, seconds: float | None, *, paced: bool, as_json: bool, **flags: object
) -> None:
    """Watch a camera, a stream or a video, and say who comes.

    SOURCE is the number or name of a camera, the address of a stream (rtsp://, http://), a video
    file, or a folder of images that are played as a video. Each line is an event: a face appeared,
    was recognised, or left. With --json each is one JSON object.

    Visits are noted in the gallery (--no-history: they are not). Faces of unknown people are kept
    for a while only with --keep-strangers.

    Example: facerec live 0 --json
    """
    from facerec.imaging.frames import open_source
    from facerec.services.live import LiveEngine
    from facerec.services.recorder import Recorder

    current = settings(flags)
    frames = open_source(source, is_live=paced)
    match_rule(current)  # refuses a wrong one before anything is loaded
    pipeline = opened_pipeline(current)
    counter = _Counter()
    keeps = current.live.keep_history or current.live.keep_strangers
    with (
        opened_gallery(current, create=True) as gallery,
        Recorder(gallery_folder(current), current.live, source=frames.label)
        if keeps
        else nullcontext() as recorder,
    ):

        def on_event(event: LiveEvent) -> None:
            _print_event(event, as_json=as_json)
            if recorder is not None:
                recorder.on_event(event)

        engine = LiveEngine(
            gallery,
            pipeline,
            frames,
            rule=match_rule(current, gallery),
            on_frame=counter.count,
            on_event=on_event,
            on_state=_remark_state,
        )
        _run(engine, seconds)
        if engine.error is not None:
            raise engine.error
    if recorder is not None and recorder.error is not None:
        raise recorder.error
    output.remark(counter.summary())


def _run(engine: LiveEngine, seconds: float | None) -> None:
    """Let the engine work until it ends, the time is over, or Ctrl-C is pressed."""
    from facerec.errors import Cancelled

    left_s = float("inf") if seconds is None else seconds
    try:
        with output.progress(bar=False) as task:
            engine.start()
            while left_s > 0 and not engine.wait(min(_POLL_S, left_s)):
                left_s -= _POLL_S
                task.step("live", 0, 0)
    except Cancelled:
        output.remark("facerec: stopped.")
    finally:
        engine.stop()


class _Counter:
    """How many frames there were, and how fast."""

    def __init__(self) -> None:
        self.n_frames = 0
        self._last: LiveFrame | None = None

    def count(self, frame: LiveFrame) -> None:
        """Take in a frame."""
        self.n_frames += 1
        self._last = frame

    def summary(self) -> str:
        """Say it."""
        if self._last is None:
            return "No frames came."
        stats = self._last.stats
        return (
            f"{output.counted(self.n_frames, 'frame')} in {self._last.time_s:.1f} s of video, "
            f"{stats.n_dropped} dropped; lately {stats.fps:.0f} a second."
        )


def _print_event(event: LiveEvent, *, as_json: bool) -> None:
    decision = event.decision
    if as_json:
        output.json_line(
            {
                "event": event.kind,
                "track": event.track_id,
                "time_s": round(event.time_s, 3),
                "at": event.at,
                "began_s": round(event.began_s, 3),
                "person_id": event.person_id,
                "name": event.name,
                "verdict": decision.verdict,
                "reason": decision.reason,
                "candidates": decision.candidates,
                "quality": event.best_quality,
            }
        )
        return
    clock = event.at.astimezone().strftime("%H:%M:%S")
    who = event.name or decision.verdict.value
    score = f" ({decision.person.score:.3f})" if decision.person is not None else ""
    stayed = f" after {event.time_s - event.began_s:.1f} s" if event.kind == "left" else ""
    output.line(f"{clock}  {event.kind.value:<10}  face {event.track_id}  {who}{score}{stayed}")


def _remark_state(state: SourceState, error: FacerecError | None) -> None:
    if state == "lost":
        why = "" if error is None else f" {error.message}"
        output.remark(f"facerec: the source was lost; trying again.{why}")
    elif state == "running":
        output.remark("facerec: watching; Ctrl-C ends.")
