"""``facerec train pack``, ``exclude`` and ``targets``: what a run learns from."""

from __future__ import annotations

from pathlib import Path

import click

from facerec.cli import output
from training.commands.groups import train

# Names and files listed on the screen; the rest is counted.
_MAX_SHOWN = 10


@train.command()
@click.argument("sources", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.argument("pack", type=click.Path(path_type=Path))
@click.option("--same-people", default="", help="Sources naming people alike: celeba,celebawild.")
@click.option(
    "--size",
    type=click.IntRange(16, 1024),
    default=112,
    show_default=True,
    help="Side of the crops in pixels.",
)
@click.option("--resize", is_flag=True, help="Bring square crops of other sizes to that side.")
def pack(sources: tuple[Path, ...], pack: Path, same_people: str, size: int, resize: bool) -> None:
    """Gather the aligned crops of SOURCES into a PACK.

    A source is a folder, a zip or tar archive with one folder per person, or a RecordIO file
    (.rec) of InsightFace. Archives faces-000.tar, faces-001.tar ... are one source.

    Example: facerec train pack aligned/mine faces_emore/train.rec packs/both
    """
    from training.data.pack import SKIPPED_NAME, pack_sources

    shared = [name.strip() for name in same_people.split(",") if name.strip()]
    with output.progress() as task:
        report = pack_sources(
            sources, pack, side_px=size, resize=resize, same_people=shared, task=task
        )
    output.line(f"{report.n_crops} crops of {report.n_people} people packed in {pack}.")
    for note in report.notes:
        output.line(note)
    if report.skipped:
        output.line(f"Images skipped: {len(report.skipped)}, listed in {pack / SKIPPED_NAME}:")
    for one in report.skipped[:_MAX_SHOWN]:
        output.line(f"  {one.source}/{one.file}: {one.reason}")


@train.command()
@click.argument("recipe")
@click.argument("pack", type=click.Path(path_type=Path))
@click.option("--near", type=click.Path(path_type=Path), help="Source of crops to keep apart.")
def exclude(recipe: str, pack: Path, near: Path | None) -> None:
    """Keep crops of a PACK out of training that show held-out people or those of --near.

    The RECIPE's first teacher judges the likeness. Writes the rows to the pack's excluded.txt.

    Example: facerec train exclude lean-distill packs/mine --near aligned/lfw
    """
    from training.data.overlap import write_excluded
    from training.data.pack import CropPack
    from training.recipe import load_recipe

    loaded = load_recipe(recipe)
    with output.progress() as task:
        counts = write_excluded(CropPack(pack), loaded.teacher[0], near, task=task)
    output.line(
        f"{counts.near} crops look like someone of --near, {counts.held_out} unlabelled ones like "
        f"a held-out person; {counts.total} in all stay out of training."
    )
    if counts.same_names:
        shown = ", ".join(counts.same_names[:_MAX_SHOWN])
        more = ", ..." if len(counts.same_names) > _MAX_SHOWN else ""
        output.line(
            f"{len(counts.same_names)} people of the pack are called like someone of --near: "
            f"{shown}{more}. Their names alone keep nobody out."
        )


@train.command()
@click.argument("recipe")
@click.argument("pack", type=click.Path(path_type=Path))
def targets(recipe: str, pack: Path) -> None:
    """Write what the RECIPE's teachers say of every crop of a PACK.

    Example: facerec train targets lean-distill packs/mine
    """
    from training.data.pack import CropPack
    from training.data.targets import write_targets
    from training.recipe import load_recipe

    loaded = load_recipe(recipe)
    with output.progress() as task:
        path = write_targets(
            CropPack(pack), loaded.teacher, dimension=loaded.net.embedding_dim, task=task
        )
    output.line(f"Targets written to {path}.")
