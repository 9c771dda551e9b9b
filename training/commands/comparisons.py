"""``facerec train compare-losses`` and ``beside-teachers``: what is better, and by how much."""

from __future__ import annotations

from pathlib import Path

import click

from facerec.cli import output
from facerec.cli.options import json_option
from training.commands.groups import train


@train.command("compare-losses")
@click.argument("pack", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@click.argument("overrides", nargs=-1)
@click.option("--seeds", type=click.IntRange(min=1), default=3, show_default=True)
@click.option("--images-seen", type=click.IntRange(min=1), help="Of each run.")
@click.option("--per-person", default="2,5,20", show_default=True, help="Images a person.")
@click.option("--lfw", type=click.Path(path_type=Path), help="Measure on this LFW folder too.")
@click.option("--jobs", type=click.IntRange(min=1), default=1, help="Runs side by side.")
@click.option("--losses", default="", help="Only these: arcface,circle.")
@click.option("--recipe", default="lean-compare", show_default=True, help="Net and schedule.")
@click.option("--from", "start_from", type=click.Path(path_type=Path), help="Start from weights.")
@click.option("--report", type=click.Path(path_type=Path), help="Default: OUT/losses.md.")
def compare_losses_command(
    pack: Path,
    out: Path,
    overrides: tuple[str, ...],
    seeds: int,
    images_seen: int | None,
    per_person: str,
    lfw: Path | None,
    jobs: int,
    losses: str,
    recipe: str,
    start_from: Path | None,
    report: Path | None,
) -> None:
    """Train every loss of a PACK under one budget; results and report go to OUT.

    A comparison that was stopped goes on with the same command.

    Example: facerec train compare-losses packs/all runs/losses --lfw lfw
    """
    from training.compare import IMAGES_SEEN, chosen_contenders, compare_losses, parse_per_person
    from training.compare_report import write_report
    from training.recipe import load_recipe

    written = report or out / "losses.md"
    with output.progress() as task:
        for progress in compare_losses(
            pack,
            out,
            load_recipe(recipe, overrides),
            per_person=parse_per_person(per_person),
            n_seeds=seeds,
            images_seen=images_seen or IMAGES_SEEN,
            lfw=lfw,
            start_from=start_from,
            losses=chosen_contenders(losses),
            jobs=jobs,
            task=task,
        ):
            output.line(str(progress))
            write_report(out, written)
    write_report(out, written)
    output.line(f"Report in {written}.")


@train.command("beside-teachers")
@click.argument("recipe")
@click.argument("pack", type=click.Path(path_type=Path))
@click.option("--model", default="default", show_default=True, help="As in `facerec models list`.")
@json_option
def beside_teachers_command(recipe: str, pack: Path, model: str, as_json: bool) -> None:
    """Measure a model file and the teachers of a RECIPE on the held-out people of a PACK.

    One crop a face, no mirror image; intervals of 95 %, people drawn anew.

    Example: facerec train beside-teachers lean-live-two packs/all
    """
    from facerec.embed.base import open_embedder
    from training.beside_teachers import judge_beside_teachers, table_of
    from training.data.pack import CropPack
    from training.recipe import load_recipe

    opened = CropPack(pack)
    embedder = open_embedder(model)
    with output.progress() as task:
        judged = judge_beside_teachers(
            opened,
            model,
            lambda rows: embedder.embed_vectors(opened.crops[rows]),
            load_recipe(recipe).teacher,
            task=task,
        )
    head, *rows = table_of(judged)
    output.emit(output.table(head, rows), {"judged": judged}, as_json=as_json)
