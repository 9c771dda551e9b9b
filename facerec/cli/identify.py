"""``facerec identify``: who is it?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from facerec.cli import output
from facerec.cli.options import (
    DECISION,
    GALLERY,
    RECOGNITION,
    json_option,
    match_rule,
    opened_gallery,
    opened_pipeline,
    setting_options,
    settings,
)

if TYPE_CHECKING:
    from facerec.services.identify_files import IdentifiedImage
    from facerec.types import Decision

_REASONS = {
    "above_threshold": "the score reaches the threshold, with a clear lead",
    "empty_gallery": "the gallery is empty",
    "below_threshold": "nobody's score reaches the threshold",
    "ignored": "they look like somebody who is ignored",
    "small_margin": "two people are too close to each other",
    "low_quality": "the face is too poor to name",
    "taken_in_image": "that person is already somebody else in this image",
    "too_few_looks": "the face was not looked at often enough yet",
    "in_doubt": "the face may be somebody else since it was hidden",
}


@click.command()
@click.argument("source", type=click.Path(path_type=Path))
@click.option(
    "--annotate",
    type=click.Path(path_type=Path),
    metavar="OUT",
    help="Write copies with faces and names: a file for one image, else a folder.",
)
@click.option(
    "--every",
    default=1.0,
    show_default=True,
    type=click.FloatRange(min=0, min_open=True),
    help="Seconds between the frames of a video that are looked at.",
)
@setting_options(*GALLERY, *DECISION, *RECOGNITION)
@json_option
def identify(
    source: Path, annotate: Path | None, every: float, *, as_json: bool, **flags: object
) -> int:
    """Say who is in an image, a folder or a video.

    SOURCE is one of these. Each face is known, unknown or unsure; shown are the rule that decided
    and the nearest people with their scores.

    An image ends with 0 when anybody is known, with 3 when nobody is, with 1 when it cannot be read
    or shows no face. A folder or video ends with 0 when anything in it could be looked at.

    Example: facerec identify photo.jpg --annotate marked.jpg
    """
    from facerec.services.calibrate import calibration_warning
    from facerec.services.identify_files import identify_files

    current = settings(flags)
    match_rule(current)  # refuses a wrong one before anything is loaded
    pipeline = opened_pipeline(current)
    with opened_gallery(current) as gallery, output.progress() as task:
        rule = match_rule(current, gallery)
        warning = "" if rule.fpir is None else calibration_warning(gallery)
        images = list(
            identify_files(
                gallery, pipeline, source, rule=rule, annotate=annotate, every_s=every, task=task
            )
        )
    single = len(images) == 1 and images[0].time_s is None and not source.is_dir()
    if single:
        _require_faces(images[0])
    lines = [line for image in images for line in _lines(image)]
    n_refused = sum(image.error is not None for image in images)
    if not single:
        lines.extend(_summary(images, n_refused))
    if warning:
        output.remark(warning)
    payload = {
        "threshold": rule.threshold,
        "false_match_rate": rule.fmr,
        "false_positive_identification_rate": rule.fpir,
        "calibration_warning": warning,
        "required_margin": rule.required_margin,
        "device": pipeline.embedder.device,
        "images": [_payload(image) for image in images],
        "n_refused": n_refused,
    }
    output.emit("\n".join(lines), payload, as_json=as_json)
    if single:
        return 0 if images[0].is_known else 3
    return 1 if n_refused == len(images) else 0


def _require_faces(image: IdentifiedImage) -> None:
    from facerec.errors import NoFaceError

    if image.error is not None:
        raise image.error
    if not image.faces:
        raise NoFaceError(
            f"No face was found in {image.path}.",
            remedy="Use a picture that shows the face larger and upright, or a smaller --min-face.",
        )


def _lines(image: IdentifiedImage) -> list[str]:
    place = str(image.path) if image.time_s is None else f"{image.path} at {image.time_s:.1f} s"
    if image.error is not None:
        return [f"{place}: {image.error}"]
    if not image.faces:
        return [f"{place}: no face"]
    lines = []
    for number, face in enumerate(image.faces, start=1):
        which = f", face {number} of {len(image.faces)}" if len(image.faces) > 1 else ""
        lines.append(f"{place}{which}: {_decision_line(face.decision)}")
        lines.extend(f"  {issue.message}" for issue in face.decision.quality_issues)
    if image.annotated is not None:
        lines.append(f"  written to {image.annotated}")
    return lines


def _decision_line(decision: Decision) -> str:
    who = decision.verdict.value if decision.person is None else decision.person.name
    nearest = ", ".join(f"{c.name} {c.score:.3f}" for c in decision.candidates) or "nobody"
    return (
        f"{who}: {_REASONS[decision.reason.value]} "
        f"(nearest: {nearest}; threshold {decision.threshold:.3f})"
    )


def _summary(images: list[IdentifiedImage], n_refused: int) -> list[str]:
    counts: dict[str, int] = {}
    for image in images:
        for face in image.faces:
            if face.decision.person is not None:
                name = face.decision.person.name
                counts[name] = counts.get(name, 0) + 1
    what = "frame" if images and images[0].time_s is not None else "image"
    lines = [f"{name}: in {output.counted(count, what)}" for name, count in sorted(counts.items())]
    lines.append(f"{output.counted(len(images), what)} looked at; {n_refused} could not be read.")
    return lines


def _payload(image: IdentifiedImage) -> dict[str, object]:
    return {
        "image": image.path,
        "time_s": image.time_s,
        "annotated": image.annotated,
        "error": None if image.error is None else output.error_payload(image.error),
        "faces": [
            {
                "face": face.face,
                "quality": face.analyzed.quality,
                "decision": face.decision,
            }
            for face in image.faces
        ],
    }
