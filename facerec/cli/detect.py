"""``facerec detect``: the faces in images."""

from __future__ import annotations

from pathlib import Path

import click

from facerec.cli import output
from facerec.cli.options import DETECTION, json_option, setting_options, settings


@click.command()
@click.argument("images", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--annotate",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Write copies with the faces marked into this folder.",
)
@setting_options(*DETECTION)
@json_option
def detect(
    images: tuple[Path, ...], annotate: Path | None, *, as_json: bool, **flags: object
) -> int:
    """Find the faces in images.

    IMAGES are files or folders. Shown are box and certainty; --json adds the five landmarks.
    Ends with 0 when any image could be read, with 1 when none could.

    Example: facerec detect photo.jpg --annotate marked
    """
    from facerec.services.detect import detect_files, open_detector

    current = settings(flags)
    detector = open_detector(
        current.detect.detector,
        device=current.runtime.device,
        n_threads=current.runtime.n_threads,
        min_face_px=current.detect.min_face_px,
    )
    with output.progress() as task:
        outcomes = list(detect_files(images, detector, annotate=annotate, task=task))
    lines = []
    for outcome in outcomes:
        if outcome.error is not None:
            lines.append(f"{outcome.item}: {outcome.error}")
            continue
        faces = outcome.value or []
        lines.append(f"{outcome.item}: {len(faces)} face{'' if len(faces) == 1 else 's'}")
        for face in faces:
            left, top, right, bottom = (round(float(value)) for value in face.box_xyxy)
            lines.append(f"  ({left}, {top}) to ({right}, {bottom})  certainty {face.score:.3f}")
    refused = sum(outcome.error is not None for outcome in outcomes)
    if refused:
        lines.append(f"{refused} of {len(outcomes)} images could not be read.")
    payload = {
        "device": detector.device,
        "images": [
            {"image": outcome.item, "error": output.error_payload(outcome.error)}
            if outcome.error is not None
            else {"image": outcome.item, "faces": outcome.value}
            for outcome in outcomes
        ],
    }
    output.emit("\n".join(lines), payload, as_json=as_json)
    return 1 if refused == len(outcomes) else 0
