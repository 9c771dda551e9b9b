"""``facerec train compare-losses``: every loss under one budget."""

from __future__ import annotations

from pathlib import Path

import click

from facerec.cli import output
from training.commands.groups import train


@train.command("compare-losses")
@click.argument("pack", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@click.argument("overrides", nargs=-1)
@click.option("--seeds", type=click.IntRange(min=1), default=3, show_default=True)
@click.option("--images-seen", type=click.IntRange(min=1), help="Of each run.")
@click.option("--per-person", default="2,5,20", show_default=True, help="Images a person.")
@click.option("--lfw", type=click.Path(path_type=Path), help="Measure on this LFW folder too.")
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
            task=task,
        ):
            output.line(str(progress))
            write_report(out, written)
    write_report(out, written)
    output.line(f"Report in {written}.")
