"""``facerec enroll``: people into the gallery."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from facerec.cli import output
from facerec.cli.gallery_privacy import consent_options, terms_of
from facerec.cli.options import (
    DECISION,
    GALLERY,
    ONE_FACE,
    RECOGNITION,
    json_option,
    match_rule,
    opened_gallery,
    opened_pipeline,
    setting_options,
    settings,
)

if TYPE_CHECKING:
    from facerec.services.enroll import ImageOutcome, PersonOutcome


@click.command()
@click.argument("name", required=False)
@click.argument("images", nargs=-1)
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Enrol everybody in a folder with one subfolder a person, named as the person.",
)
@click.option(
    "--allow-conflict",
    is_flag=True,
    help="Store a face although it looks like somebody else who is enrolled.",
)
@click.option(
    "--allow-low-quality", is_flag=True, help="Store a face although it is hard to recognise."
)
@consent_options
@setting_options(*GALLERY, *ONE_FACE, *DECISION, *RECOGNITION)
@json_option
def enroll(
    name: str | None,
    images: tuple[str, ...],
    folder: Path | None,
    *,
    allow_conflict: bool,
    allow_low_quality: bool,
    consent: str | None,
    purpose: str | None,
    keep_until: datetime | None,
    keep_for: int | None,
    as_json: bool,
    **flags: object,
) -> int:
    """Add people to the gallery.

    One image of NAME is enough. Every image that is refused is shown with its reason, and a face
    that looks like somebody enrolled already is shown before anything of it is saved. A person's
    line is printed once everything of theirs is on the disk. With --folder --json each person is a
    JSON object on a line of its own, and the summary is the last one.

    --consent, --purpose and --keep-until (or --keep-for) record what the person agreed to; from the
    day after, the person is not named any more, and is erased some days later.

    Ends with 0 when anybody was added or there already, with 1 when nobody was.

    Example: facerec enroll "Ada Lovelace" ada.jpg
    """
    if (folder is None) == (name is None) or (folder is None and not images):
        raise click.UsageError("Give a NAME and at least one IMAGE, or --folder DIR.")
    from facerec.services.enroll import EnrollOptions, enroll_folder
    from facerec.services.enroll import enroll as enroll_person
    from facerec.services.one_face import FacePolicy

    current = settings(flags)
    options = EnrollOptions(
        FacePolicy(current.match.several_faces),
        allow_conflict,
        allow_low_quality,
        terms_of(consent, purpose, keep_until, keep_for),
    )
    rule = match_rule(current)
    pipeline = opened_pipeline(current)
    with opened_gallery(current, create=True) as gallery:
        if folder is None:
            with output.progress() as task:
                person = enroll_person(
                    gallery, pipeline, name or "", images, rule=rule, options=options, task=task
                )
            output.emit("\n".join(_lines(person)), _payload(person), as_json=as_json)
            return 0 if person.is_done else 1
        # Lines on the terminal are progress enough; a bar between them would tear them apart.
        with output.progress(bar=not sys.stdout.isatty()) as task:
            people = enroll_folder(gallery, pipeline, folder, rule=rule, options=options, task=task)
            return _report(people, as_json=as_json)


def _report(people: Iterator[PersonOutcome], *, as_json: bool) -> int:
    n_done = n_people = n_images = n_refused = 0
    for person in people:
        if as_json:
            output.json_line(_payload(person))
        else:
            output.line("\n".join(_lines(person)))
        n_people += 1
        n_done += person.is_done
        n_images += len(person.images)
        n_refused += person.n_refused
    summary = {
        "people": n_people,
        "people_done": n_done,
        "images": n_images,
        "images_refused": n_refused,
    }
    text = f"{n_done} of {n_people} people are in the gallery; "
    text += f"{n_refused} of {n_images} images were refused."
    if as_json:
        output.json_line({"summary": summary})
    else:
        output.line(text)
    return 0 if n_done else 1


def _lines(person: PersonOutcome) -> list[str]:
    lines = []
    if person.error is not None:
        lines.append(f"{person.name}: not enrolled. {person.error}")
    elif person.is_done:
        n_there = len(person.images) - person.n_added - person.n_refused
        counts = [f"{person.n_added} of {len(person.images)} images added"]
        if n_there:
            counts.append(f"{n_there} were there already")
        lines.append(f"{person.name}: enrolled, {', '.join(counts)}.")
    else:
        lines.append(f"{person.name}: not enrolled, no image could be used.")
    for image in person.images:
        lines.extend(f"  {line}" for line in _image_lines(image))
    return lines


def _image_lines(image: ImageOutcome) -> list[str]:
    if image.error is not None:
        return [f"{image.source}: refused. {image.error}"]
    lines = []
    if image.conflict is not None:
        lines.append(
            f"{image.source}: added although it looks like {image.conflict.name} "
            f"(score {image.conflict.score:.3f})."
        )
    lines.extend(f"{image.source}: added. {issue.message}" for issue in image.quality_issues)
    return lines


def _payload(person: PersonOutcome) -> dict[str, object]:
    return {
        "name": person.name,
        "enrolled": person.is_done,
        "created": person.created,
        "person": person.person,
        "error": None if person.error is None else output.error_payload(person.error),
        "images": [
            {
                "image": image.source,
                "status": image.status,
                "template_id": image.template_id,
                "error": None if image.error is None else output.error_payload(image.error),
                "quality_issues": image.quality_issues,
                "conflict": image.conflict,
                "own_score": image.own_score,
            }
            for image in person.images
        ],
    }
