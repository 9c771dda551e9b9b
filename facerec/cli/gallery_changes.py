"""The commands of ``facerec gallery`` that change people, each one step that can be undone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from facerec.cli import output
from facerec.cli.gallery_privacy import copy_lines
from facerec.cli.options import (
    GALLERY,
    ONE_FACE,
    RECOGNITION,
    json_option,
    opened_gallery,
    setting_options,
    settings,
)

if TYPE_CHECKING:
    from facerec.config import Settings
    from facerec.types import Embedding

_options = setting_options(*GALLERY, "store.keep_days")
_templates = click.argument(
    "template_ids", metavar="TEMPLATE...", type=int, nargs=-1, required=True
)
_HOW_TO_UNDO = "facerec gallery undo takes this back."


@click.command()
@click.argument("name")
@click.argument("new_name")
@_options
@json_option
def rename(name: str, new_name: str, *, as_json: bool, **flags: object) -> None:
    """Give the person NAME the name NEW_NAME.

    Example: facerec gallery rename "Ada Byron" "Ada Lovelace"
    """
    from facerec.services.people import rename_person

    with opened_gallery(settings(flags)) as opened:
        person = rename_person(opened, name, new_name)
    output.emit(f"{name} is now {person.name}.", {"person": person}, as_json=as_json)


@click.command()
@click.argument("name")
@click.argument("into")
@_options
@json_option
def merge(name: str, into: str, *, as_json: bool, **flags: object) -> None:
    """Move all templates of NAME to the person INTO, and remove NAME.

    Example: facerec gallery merge "A. Lovelace" "Ada Lovelace"
    """
    from facerec.services.people import merge_people

    with opened_gallery(settings(flags)) as opened:
        person = merge_people(opened, name, into)
    count = output.counted(person.n_templates, "template")
    text = f"{name} is now part of {person.name}, who has {count}. {_HOW_TO_UNDO}"
    output.emit(text, {"person": person}, as_json=as_json)


@click.command()
@_templates
@click.option("--to", "new_name", required=True, help="Name of the new person.")
@_options
@json_option
def split(template_ids: tuple[int, ...], new_name: str, *, as_json: bool, **flags: object) -> None:
    """Make a new person of some templates of one person.

    `facerec gallery show NAME` lists the numbers of templates.

    Example: facerec gallery split 12 13 --to "Ada Byron"
    """
    from facerec.services.people import split_person

    with opened_gallery(settings(flags)) as opened:
        done = split_person(opened, template_ids, new_name)
    count = output.counted(done.n_templates, "template")
    text = f"{done.person.name} was split from {done.owners[0].name} with {count}. {_HOW_TO_UNDO}"
    output.emit(text, {"person": done.person, "from": done.owners}, as_json=as_json)


@click.command()
@_templates
@click.option("--to", "into", required=True, metavar="NAME", help="Who gets them.")
@_options
@json_option
def move(template_ids: tuple[int, ...], into: str, *, as_json: bool, **flags: object) -> None:
    """Give templates to another person who is enrolled.

    Example: facerec gallery move 12 13 --to "Ada Lovelace"
    """
    from facerec.services.people import move_templates

    with opened_gallery(settings(flags)) as opened:
        done = move_templates(opened, template_ids, into)
    count = output.counted(done.n_templates, "template")
    text = f"{done.person.name} was given {count}, and has {done.person.n_templates} now."
    output.emit(
        f"{text} {_HOW_TO_UNDO}", {"person": done.person, "from": done.owners}, as_json=as_json
    )


@click.command("set-aside")
@_templates
@click.option("--back", is_flag=True, help="Take templates back that were set aside.")
@_options
@json_option
def set_aside(template_ids: tuple[int, ...], *, back: bool, as_json: bool, **flags: object) -> None:
    """Keep templates, but do not compare them any more.

    Example: facerec gallery set-aside 12 13
    """
    from facerec.services import people

    with opened_gallery(settings(flags)) as opened:
        change = people.take_back if back else people.set_aside
        n_changed = change(opened, template_ids)
    text = f"{output.counted(n_changed, 'template')} {'taken back' if back else 'set aside'}."
    output.emit(text, {"n_changed": n_changed, "back": back}, as_json=as_json)


@click.command()
@click.argument("name")
@_options
@json_option
def remove(name: str, *, as_json: bool, **flags: object) -> None:
    """Remove the person NAME with templates and crops; this can be undone.

    `facerec gallery erase` removes a person for good.

    Example: facerec gallery remove "Ada Lovelace"
    """
    from facerec.services.people import remove_person

    current = settings(flags)
    with opened_gallery(current) as opened:
        person = remove_person(opened, name)
    text = f"{person.name} was removed with {output.counted(person.n_templates, 'template')}."
    text += f" {_how_long(current.store.keep_days)}"
    output.emit(text, {"removed": person}, as_json=as_json)


@click.command("remove-template")
@click.argument("template_id", type=int)
@_options
@json_option
def remove_template(template_id: int, *, as_json: bool, **flags: object) -> None:
    """Remove one template with its crop; the person stays. This can be undone.

    Example: facerec gallery remove-template 12
    """
    from facerec.services.people import remove_template as remove_one

    current = settings(flags)
    with opened_gallery(current) as opened:
        remove_one(opened, template_id)
    text = f"Template {template_id} was removed. {_how_long(current.store.keep_days)}"
    output.emit(text, {"template_id": template_id}, as_json=as_json)


@click.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_options
@json_option
def erase(name: str, *, yes: bool, as_json: bool, **flags: object) -> None:
    """Erase the person NAME for good, with everything kept for undo.

    NAME may be enrolled, or removed and still kept. Nothing brings the person back. Exports and
    backups that the program made are written anew without the person, or deleted.

    Example: facerec gallery erase "Ada Lovelace" --yes
    """
    from facerec.services.erase import erase as erase_for_good

    if not yes:
        click.confirm(f"Erase {name} for good? This cannot be undone.", abort=True, err=True)
    with opened_gallery(settings(flags)) as opened:
        report = erase_for_good(opened, name)
    rows = report.rows
    text = (
        f"{rows.name} was erased for good: {output.counted(rows.n_templates, 'template')} with "
        f"crops, {output.counted(rows.n_images, 'image')} and "
        f"{output.counted(rows.n_steps, 'step')} of the history."
    )
    lines = [text, *copy_lines(report.copies)]
    if not report.is_wiped:
        lines.append(
            "Another program uses the gallery; its files may hold traces until that is closed."
        )
    payload = {"rows": rows, "is_wiped": report.is_wiped, "copies": report.copies}
    output.emit("\n".join(lines), {"report": payload}, as_json=as_json)


@click.command("not-this-person")
@click.argument("name")
@click.argument("template_ids", metavar="[TEMPLATE]...", type=int, nargs=-1)
@click.option(
    "--image",
    "images",
    multiple=True,
    type=click.Path(path_type=Path),
    help="An image of somebody else who is not enrolled; may be given again.",
)
@click.option("--forget", is_flag=True, help="Forget all that was noted about NAME.")
@setting_options(*GALLERY, *RECOGNITION, *ONE_FACE, "store.keep_days")
@json_option
def not_this_person(
    name: str,
    template_ids: tuple[int, ...],
    images: tuple[Path, ...],
    *,
    forget: bool,
    as_json: bool,
    **flags: object,
) -> None:
    """Note that templates of others, or faces in images, are not NAME.

    Searches and the health check respect it from then on.

    Example: facerec gallery not-this-person "Ada Lovelace" --image door.jpg
    """
    from facerec.services import exclusions

    if forget == bool(template_ids or images):
        raise click.UsageError("Give templates or images, or --forget.")
    current = settings(flags)
    with opened_gallery(current) as opened:
        if forget:
            n_facts = exclusions.forget_exclusions(opened, name)
        else:
            faces = _faces(current, images) if images else []
            n_facts = (
                exclusions.exclude_templates(opened, name, template_ids) if template_ids else 0
            )
            n_facts += exclusions.exclude_faces(opened, name, faces) if faces else 0
    what = f"{'Forgot' if forget else 'Noted'} {output.counted(n_facts, 'fact')} about {name}."
    output.emit(f"{what} {_HOW_TO_UNDO}", {"n_facts": n_facts, "forgot": forget}, as_json=as_json)


@click.command()
@click.argument("name")
@click.option("--back", is_flag=True, help="Name the person again.")
@_options
@json_option
def ignore(name: str, *, back: bool, as_json: bool, **flags: object) -> None:
    """Never name the person NAME; who looks like them is answered unknown, and why is said.

    Example: facerec gallery ignore "The man on the poster"
    """
    from facerec.services.exclusions import heed_person, ignore_person

    with opened_gallery(settings(flags)) as opened:
        person = (heed_person if back else ignore_person)(opened, name)
    text = f"{person.name} is {'named again' if back else 'ignored'}. {_HOW_TO_UNDO}"
    output.emit(text, {"person": person}, as_json=as_json)


def _faces(current: Settings, images: tuple[Path, ...]) -> list[Embedding]:
    """Embeddings of the one face in each image."""
    from facerec.imaging.read import read_image
    from facerec.services.from_settings import opened_pipeline
    from facerec.services.one_face import FacePolicy, analyze_one

    pipeline = opened_pipeline(current)
    policy = FacePolicy(current.match.several_faces)
    return [analyze_one(pipeline, read_image(path), policy).embedding for path in images]


def _how_long(keep_days: int) -> str:
    if not keep_days:
        return "Nothing is kept to undo this."
    days = output.counted(keep_days, "day")
    return f"For {days}, facerec gallery undo takes this back; facerec gallery erase is for good."


COMMANDS = (
    rename,
    merge,
    split,
    move,
    set_aside,
    not_this_person,
    ignore,
    remove,
    remove_template,
    erase,
)
