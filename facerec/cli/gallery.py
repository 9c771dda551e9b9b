"""``facerec gallery``: look at the gallery and change it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from facerec.cli import (
    gallery_changes,
    gallery_encryption,
    gallery_health,
    gallery_privacy,
    gallery_steps,
    gallery_survival,
    output,
)
from facerec.cli.options import (
    GALLERY,
    RECOGNITION,
    gallery_folder,
    json_option,
    opened_gallery,
    setting_options,
    settings,
)

if TYPE_CHECKING:
    from facerec.gallery.people import Person
    from facerec.services.transfer import TransferReport

_gallery_option = setting_options(*GALLERY)


@click.group()
def gallery() -> None:
    """Look at the gallery and change it.

    Example: facerec gallery list
    """


for _command in (
    *gallery_changes.COMMANDS,
    *gallery_health.COMMANDS,
    *gallery_steps.COMMANDS,
    *gallery_privacy.COMMANDS,
    *gallery_encryption.COMMANDS,
    *gallery_survival.COMMANDS,
):
    gallery.add_command(_command)


@gallery.command("list")
@_gallery_option
@json_option
def list_command(*, as_json: bool, **flags: object) -> None:
    """List everybody who is enrolled.

    Example: facerec gallery list
    """
    from facerec.services.calibrate import calibration_warning
    from facerec.services.consent import list_consents
    from facerec.services.people import list_people

    current = settings(flags)
    with opened_gallery(current) as opened:
        people = list_people(opened)
        consents = list_consents(opened)
        warning = calibration_warning(opened)
    columns, rows = ["name", "templates", "changed"], [_row(person) for person in people]
    if any(consent.keep_until for consent in consents.values()):
        columns.append("kept until")
        for row, person in zip(rows, people, strict=True):
            row.append(gallery_privacy.last_day(consents.get(person.id)))
    text = output.table(columns, rows)
    text += f"\n{output.counted(len(people), 'person', 'people')} in {gallery_folder(current)}"
    if warning:
        output.remark(warning)
    payload = {
        "gallery": gallery_folder(current),
        "people": people,
        "consents": consents,
        "calibration_warning": warning,
    }
    output.emit(text, payload, as_json=as_json)


@gallery.command()
@click.argument("name")
@_gallery_option
@json_option
def show(name: str, *, as_json: bool, **flags: object) -> None:
    """Show what is stored of the person NAME.

    Example: facerec gallery show "Ada Lovelace"
    """
    from facerec.services.people import show_person

    with opened_gallery(settings(flags)) as opened:
        details = show_person(opened, name)
    columns = ["template", "from", "quality", "made (UTC)", "contract"]
    rows = [
        [t.id, t.source.source_name, t.quality, f"{t.created_at:%Y-%m-%d %H:%M}", t.contract_id]
        for t in details.templates
    ]
    if details.n_set_aside:
        columns.append("")
        for row, template in zip(rows, details.templates, strict=True):
            row.append("" if template.set_aside_at is None else "set aside")
    text = "\n".join([details.person.name, *gallery_privacy.consent_lines(details.consent), ""])
    text += output.table(columns, rows)
    if details.n_not_compared:
        text += (
            f"\n{details.n_not_compared} of these were made with another model and play no part; "
            "facerec gallery reindex --re-embed brings them back."
        )
    payload = {
        "person": details.person,
        "templates": details.templates,
        "n_not_compared": details.n_not_compared,
        "n_set_aside": details.n_set_aside,
        "consent": details.consent,
    }
    output.emit(text, payload, as_json=as_json)


@gallery.command("export")
@click.argument("archive", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--name", "names", multiple=True, help="Only this person; may be given again.")
@gallery_privacy.plain_option
@_gallery_option
@json_option
def export_command(
    archive: Path, names: tuple[str, ...], *, plain: bool, as_json: bool, **flags: object
) -> None:
    """Write people with their templates and crops to the file ARCHIVE.

    The archive holds biometric data in the clear.

    Example: facerec gallery export people.zip
    """
    from facerec.services.transfer import export_gallery

    with opened_gallery(settings(flags)) as opened:
        report = export_gallery(opened, archive, names=names or None, in_the_clear=plain)
    text = f"{archive} holds {_holdings(report)}."
    output.emit(text, {"archive": archive, "report": report}, as_json=as_json)


@gallery.command("import")
@click.argument("archive", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--existing",
    type=click.Choice(["refuse", "merge", "skip"]),
    default="refuse",
    show_default=True,
    help="What to do with names that are enrolled already.",
)
@_gallery_option
@json_option
def import_command(archive: Path, existing: str, *, as_json: bool, **flags: object) -> None:
    """Read people from the file ARCHIVE into the gallery.

    Example: facerec gallery import people.zip --existing merge
    """
    from facerec.services.transfer import ExistingPolicy, import_gallery

    with opened_gallery(settings(flags), create=True) as opened:
        report = import_gallery(opened, archive, existing=ExistingPolicy(existing))
    text = f"Imported {_holdings(report)}."
    if report.skipped:
        text += f" Passed over, being enrolled already: {', '.join(report.skipped)}."
    if report.n_duplicates:
        text += f" There already: {output.counted(report.n_duplicates, 'template')}."
    output.emit(text, {"archive": archive, "report": report}, as_json=as_json)


@gallery.command()
@click.option(
    "--re-embed",
    "again",
    is_flag=True,
    help="Embed every stored crop again with the chosen model, for use after changing it.",
)
@setting_options(*GALLERY, *RECOGNITION)
@json_option
def reindex(*, again: bool, as_json: bool, **flags: object) -> int:
    """Check the whole database and build the index anew.

    Example: facerec gallery reindex
    """
    from facerec.embed.base import open_embedder
    from facerec.services.reindex import re_embed
    from facerec.services.reindex import reindex as rebuild

    current = settings(flags)
    lines = []
    payload: dict[str, object] = {}
    n_failed = 0
    with opened_gallery(current) as opened, output.progress() as task:
        if again:
            embedder = open_embedder(
                current.embed.model,
                device=current.runtime.device,
                n_threads=current.runtime.n_threads,
                mirror=current.embed.mirror,
            )
            made = re_embed(opened, embedder, task=task)
            n_failed = len(made.failures)
            lines.append(
                f"{made.n_embedded} templates embedded again; {made.n_up_to_date} were up to date."
            )
            lines.extend(
                f"{failure.person}, {failure.source_name}: {failure.error}"
                for failure in made.failures
            )
            payload["re_embed"] = made
        report = rebuild(opened)
    lines.append(
        f"The index holds {output.counted(report.n_indexed, 'template')} ({report.index_kind})."
    )
    if report.n_set_aside:
        lines.append(f"{output.counted(report.n_set_aside, 'template')} set aside.")
    if report.n_not_compared:
        lines.append(
            f"{report.n_not_compared} templates were made with another model and play no part; "
            "--re-embed brings them back."
        )
    output.emit("\n".join(lines), {**payload, "index": report}, as_json=as_json)
    return 1 if n_failed else 0


def _holdings(report: TransferReport) -> str:
    people = output.counted(report.n_people, "person", "people")
    return f"{people} with {output.counted(report.n_templates, 'template')}"


def _row(person: Person) -> list[object]:
    return [person.name, person.n_templates, f"{person.updated_at:%Y-%m-%d %H:%M}"]
