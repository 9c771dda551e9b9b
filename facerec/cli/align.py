"""``facerec align``: aligned crops from a folder of images."""

from __future__ import annotations

from pathlib import Path

import click

from facerec.cli import output
from facerec.cli.options import json_option, setting_options, settings

_SHOWN_REFUSALS = 20


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.argument("out", type=click.Path(path_type=Path, file_okay=False))
@click.option("--size", default=112, show_default=True, type=int, help="Side of a crop in pixels.")
@click.option(
    "--format",
    "suffix",
    type=click.Choice(["png", "jpg", "webp"]),
    default="png",
    show_default=True,
    help="File format of the crops.",
)
@click.option(
    "--faces",
    type=click.Choice(["refuse", "largest", "central", "certain"]),
    default="largest",
    show_default=True,
    help="Which face counts when several are there.",
)
@click.option(
    "--enlarge",
    default=1.0,
    show_default=True,
    help="Enlarge each image by this factor before detecting, for small images.",
)
@click.option(
    "--pad",
    default=0.0,
    show_default=True,
    help="Add a border of this part of the image's side before detecting, for tight crops.",
)
@click.option(
    "--processes", default=0, show_default="one per core", help="How many processes work."
)
@setting_options("detect.min_face_px", "detect.detector", "runtime.device")
@json_option
def align(
    folder: Path,
    out: Path,
    *,
    size: int,
    suffix: str,
    faces: str,
    enlarge: float,
    pad: float,
    processes: int,
    as_json: bool,
    **flags: object,
) -> int:
    """Cut the aligned face from each image of a folder.

    Images are searched below FOLDER to any depth; crops go to the same places below OUT. A second
    run goes on where the first one stopped. Tight crops, filled by a face, want --pad 0.5. Ends
    with 0 when any image gave a crop.

    Example: facerec align photos crops --pad 0.5
    """
    from facerec.services.align_folder import AlignOptions, align_folder

    current = settings(flags)
    options = AlignOptions(
        size_px=size,
        suffix=f".{suffix}",
        faces=faces,
        enlarge=enlarge,
        pad=pad,
        detector=current.detect.detector,
        min_face_px=current.detect.min_face_px,
        device=current.runtime.device,
    )
    with output.progress() as task:
        summary = align_folder(folder, out, options, n_processes=processes, task=task)
    shown = list(summary.refusals.items())[:_SHOWN_REFUSALS]
    lines = [f"{name}: {why}" for name, why in shown]
    if len(summary.refusals) > len(shown):
        lines.append(f"... and {len(summary.refusals) - len(shown)} more, see {out}/aligned.jsonl")
    lines.append(
        f"{summary.n_done} crops in {out}; {summary.n_refused} images refused; "
        f"{summary.n_skipped} were finished before."
    )
    output.emit("\n".join(lines), {"out": out, "summary": summary}, as_json=as_json)
    return 0 if summary.n_done else 1
