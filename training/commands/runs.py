"""``facerec train run``, ``plot``, ``info`` and ``bench``: a run, and what a net costs."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from facerec.cli import output
from facerec.cli.options import json_option
from training.commands.groups import train


@train.command()
@click.argument("recipe")
@click.argument("overrides", nargs=-1)
@click.option("--pack", type=click.Path(path_type=Path), required=True, help="The pack.")
@click.option("--run", "run_dir", type=click.Path(path_type=Path), required=True, help="The run.")
@click.option("--resume", is_flag=True, help="Continue the run in the run folder.")
@click.option("--from", "start_from", type=click.Path(path_type=Path), help="Start from weights.")
def run(
    recipe: str,
    overrides: tuple[str, ...],
    pack: Path,
    run_dir: Path,
    resume: bool,
    start_from: Path | None,
) -> None:
    """Train by RECIPE (a shipped name or a TOML file), with section.key=value overrides.

    Started by torchrun, several processes or machines share the work.

    Example: facerec train run lean-distill loop.steps=3000 --pack PACK --run runs/first
    """
    from training.distributed import joined
    from training.recipe import load_recipe
    from training.train import train as train_net

    loaded = load_recipe(recipe, overrides)
    with joined(loaded.loop.device) as world, output.progress(bar=world.is_first) as task:
        last = train_net(
            loaded,
            pack,
            run_dir,
            resume=resume,
            start_from=start_from,
            task=task,
            remark=output.remark if world.is_first else lambda _: None,
            world=world,
        )
    if not world.is_first:
        return
    output.line(
        f"Trained: {last}. Next: facerec train plot {run_dir} to look at it; "
        f"facerec export {last} --pack {pack} --name MY-MODEL, which sets its thresholds on the "
        "held-out people; facerec evaluate folder PHOTOS --model MY-MODEL to measure it on yours."
    )


@train.command()
@click.argument("run_dir", metavar="RUN", type=click.Path(path_type=Path))
@click.option("--pack", type=click.Path(path_type=Path), help="Its pack, where it has moved.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder (RUN/plots by default).")
@click.option(
    "--format",
    "file_format",
    type=click.Choice(["png", "svg"]),
    default="png",
    show_default=True,
    help="Of the files.",
)
def plot(run_dir: Path, pack: Path | None, out: Path | None, file_format: str) -> None:
    """Draw a RUN: loss, rate and speed, held-out figures, Scores and embeddings of held-out people.

    Example: facerec train plot runs/first --format svg
    """
    from training.data.pack import CropPack
    from training.errors import DatasetError
    from training.plots import plot_run
    from training.run_log import pack_of_run

    folder = pack or pack_of_run(run_dir)
    try:
        opened = CropPack(folder) if folder else None
    except DatasetError:
        if pack:
            raise
        opened = None
    if opened is None:
        output.remark("The run's pack is not there: only curves are drawn. Name it with --pack.")
    written = plot_run(run_dir, out or run_dir / "plots", opened, suffix=f".{file_format}")
    output.line(f"Drawn: {', '.join(str(path) for path in written)}.")


@train.command()
@click.argument("net")
@click.argument("overrides", nargs=-1)
@json_option
def info(net: str, overrides: tuple[str, ...], *, as_json: bool) -> None:
    """Show what a NET costs: size, multiply-adds, receptive field, memory and time on this machine.

    Overrides are those of a recipe, net.key=value.

    Example: facerec train info iresnet50 net.settings.squeeze_excite=true
    """
    from training.net_info import format_info, net_info
    from training.recipe import recipe_from_table

    measured = net_info(recipe_from_table({"net": {"name": net}}, overrides).net)
    output.emit(format_info(measured), asdict(measured), as_json=as_json)


@train.command("bench")
@click.argument("overrides", nargs=-1)
@click.option("--rounds", type=click.IntRange(min=1), default=11, show_default=True)
@click.option("--pack", type=click.Path(path_type=Path), help="Measure what its batches cost too.")
@click.option("--steps", type=click.IntRange(min=1), default=6, show_default=True, help="On it.")
@json_option
def bench(
    overrides: tuple[str, ...], rounds: int, pack: Path | None, steps: int, *, as_json: bool
) -> None:
    """Time a training step beside a plain loop with pytorch-metric-learning, in turns.

    Overrides are those of a recipe: net.key=value, loop.batch_size=128, loop.precision=f32.

    Example: facerec train bench net.crop_size_px=64 --pack packs/all
    """
    from training.bench import format_report, measure_steps
    from training.data.pack import CropPack

    opened = CropPack(pack) if pack else None
    with output.progress() as task:
        report = measure_steps(overrides, n_rounds=rounds, pack=opened, n_steps=steps, task=task)
    output.emit(format_report(report), report.payload(), as_json=as_json)
