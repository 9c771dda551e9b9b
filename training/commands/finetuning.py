"""``facerec train finetune`` and ``finetune-check``: a trained net learns a few people."""

from __future__ import annotations

from pathlib import Path

import click

from facerec.cli import output
from training.commands.groups import train


@train.command()
@click.argument("crops", type=click.Path(path_type=Path))
@click.argument("run_dir", metavar="RUN", type=click.Path(path_type=Path))
@click.argument("overrides", nargs=-1)
@click.option("--from", "start_from", type=click.Path(path_type=Path), help="Default: lean.")
@click.option("--old", type=click.Path(path_type=Path), help="A pack to mix crops from.")
@click.option("--recipe", default="lean-finetune", show_default=True, help="How.")
@click.option("--resume", is_flag=True, help="Continue the run in the run folder.")
def finetune(
    crops: Path,
    run_dir: Path,
    overrides: tuple[str, ...],
    start_from: Path | None,
    old: Path | None,
    recipe: str,
    resume: bool,
) -> None:
    """Teach a trained net the people of CROPS (aligned, one subfolder per person).

    Example: facerec train finetune aligned/mine runs/mine
    """
    from training.finetune import default_weights, finetune_folder
    from training.recipe import load_recipe

    loaded = load_recipe(recipe, overrides)
    with output.progress() as task:
        last = finetune_folder(
            crops,
            run_dir,
            loaded,
            start_from=start_from or default_weights(),
            old=old,
            resume=resume,
            task=task,
        )
    pack = old or "A-PACK-WITH-HELD-OUT-PEOPLE"
    output.line(f"Trained. Next: facerec export {last} --pack {pack} --name MY-MODEL")


@train.command("finetune-check")
@click.argument("pack", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@click.argument("overrides", nargs=-1)
@click.option("--draws", type=click.IntRange(min=1), default=10, show_default=True)
@click.option("--lfw", type=click.Path(path_type=Path), help="Measure on this LFW folder too.")
@click.option("--from", "start_from", type=click.Path(path_type=Path), help="Default: lean.")
@click.option("--old/--no-old", default=False, help="Mix in crops of the pack's other people.")
@click.option("--recipe", default="lean-finetune", show_default=True, help="How.")
def finetune_check(
    pack: Path,
    out: Path,
    overrides: tuple[str, ...],
    draws: int,
    lfw: Path | None,
    start_from: Path | None,
    old: bool,
    recipe: str,
) -> None:
    """Measure what fine-tuning on 20 held-out people of a PACK brings; results go to OUT.

    A check that was stopped goes on with the same command.

    Example: facerec train finetune-check packs/all runs/check --lfw lfw
    """
    from training.finetune import default_weights
    from training.finetune_check import check_finetuning, read_draws, summary
    from training.recipe import load_recipe

    with output.progress() as task:
        for draw in check_finetuning(
            pack,
            out,
            load_recipe(recipe, overrides),
            start_from=start_from or default_weights(),
            n_draws=draws,
            old=old,
            lfw=lfw,
            task=task,
        ):
            output.line(str(draw))
    output.line(summary(read_draws(out)))
