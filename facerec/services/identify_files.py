"""Identify in image files, folders and videos, one outcome an image or video frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from facerec.errors import FacerecError
from facerec.imaging.draw import draw_faces, write_image
from facerec.imaging.read import read_image
from facerec.imaging.video import is_video, read_frames
from facerec.match.rule import MatchRule
from facerec.pipeline import Pipeline
from facerec.progress import SilentTask, Task
from facerec.services.detect import expand
from facerec.services.gallery import OpenGallery
from facerec.services.identify import IdentifiedFace, identify
from facerec.types import Decision, ImageRGB, Verdict

DEFAULT_EVERY_S = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class IdentifiedImage:
    """What was found in one image or video frame.

    Attributes:
        path: the file.
        time_s: seconds since the beginning of a video; None for an image.
        faces: who is in it; empty when no Face was found.
        annotated: where the marked copy was written; None when none was asked for.
        error: why nothing could be found out; then ``faces`` is empty.
    """

    path: Path
    time_s: float | None
    faces: tuple[IdentifiedFace, ...]
    annotated: Path | None = None
    error: FacerecError | None = None

    @property
    def is_known(self) -> bool:
        """Whether anybody in it was named."""
        return any(face.decision.verdict is Verdict.KNOWN for face in self.faces)


def identify_files(
    gallery: OpenGallery,
    pipeline: Pipeline,
    source: Path,
    *,
    rule: MatchRule,
    annotate: Path | None = None,
    every_s: float = DEFAULT_EVERY_S,
    task: Task | None = None,
) -> Iterator[IdentifiedImage]:
    """Name the people in an image, in all images of a folder, or in a video.

    Args:
        gallery: who is enrolled.
        pipeline: finds and embeds.
        source: an image, a folder (searched to any depth) or a video.
        rule: when a Score is enough.
        annotate: where marked copies go: a file for one image, else a folder.
        every_s: seconds between the frames of a video that are looked at.
        task: receives progress.

    Yields:
        One entry per image or frame, in order. A file that cannot be used is an entry with its
        error.

    Raises:
        NotFoundError: the folder holds no image.
        FacerecError: the gallery cannot be used, or a marked copy cannot be written.
    """
    task = task or SilentTask()
    if is_video(source):
        yield from _identify_video(gallery, pipeline, source, rule, annotate, every_s, task)
        return
    files = expand([source])
    for done, (path, name) in enumerate(files):
        try:
            image = read_image(path)
        except FacerecError as exc:
            yield IdentifiedImage(path, None, (), error=exc)
        else:
            faces = tuple(identify(gallery, pipeline, image, rule=rule))
            target = _target(annotate, name, single=not source.is_dir())
            yield IdentifiedImage(path, None, faces, _annotated(target, image, faces))
        task.step("images", done + 1, len(files))


def decision_text(decision: Decision) -> str:
    """Return a few words for a mark in an image: the name or the verdict, and the best Score."""
    best = decision.candidates[0] if decision.candidates else None
    if decision.person is not None:
        return f"{decision.person.name} {decision.person.score:.2f}"
    return decision.verdict.value if best is None else f"{decision.verdict.value} {best.score:.2f}"


def _identify_video(
    gallery: OpenGallery,
    pipeline: Pipeline,
    source: Path,
    rule: MatchRule,
    annotate: Path | None,
    every_s: float,
    task: Task,
) -> Iterator[IdentifiedImage]:
    for done, frame in enumerate(read_frames(source, every_s=every_s)):
        faces = tuple(identify(gallery, pipeline, frame.image, rule=rule))
        name = Path(f"{source.stem}-{frame.time_s:09.3f}.jpg")
        target = _target(annotate, name, single=False)
        written = _annotated(target, frame.image, faces)
        yield IdentifiedImage(source, frame.time_s, faces, written)
        task.step("frames", done + 1, 0)


def _target(annotate: Path | None, name: Path, *, single: bool) -> Path | None:
    if annotate is None:
        return None
    if single and annotate.suffix and not annotate.is_dir():
        return annotate
    return (annotate / name).with_suffix(".jpg")


def _annotated(
    target: Path | None, image: ImageRGB, faces: Sequence[IdentifiedFace]
) -> Path | None:
    if target is None:
        return None
    target.parent.mkdir(parents=True, exist_ok=True)
    labels = [decision_text(face.decision) for face in faces]
    write_image(target, draw_faces(image, [face.face for face in faces], labels))
    return target
