"""The commands that training adds: ``facerec train`` and ``facerec export``.

Nothing heavy is imported before a command runs: the help page of the program loads this module.
"""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path

import click

from facerec.cli import output
from facerec.cli.options import json_option

# Names and files listed on the screen; the rest is counted.
_MAX_SHOWN = 10


class DefaultGroup(click.Group):
    """A group whose first word may be left out: ``train RECIPE`` means ``train run RECIPE``.

    Attributes:
        default_command: what is run when the first word names no command.
    """

    def __init__(self, *args: object, default_command: str, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.default_command = default_command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Insert the default command where no command is named."""
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            args = [self.default_command, *args]
        return super().parse_args(ctx, args)


@click.group(cls=DefaultGroup, default_command="run")
def train() -> None:
    """Train an embedding network by a recipe.

    Example: facerec train lean-distill --pack PACK --run runs/first
    """


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


@click.group(cls=DefaultGroup, default_command="model")
def export() -> None:
    """Turn a checkpoint into a model file with its card.

    Example: facerec export runs/first/last.pt --pack PACK --name mine
    """


@export.command()
@click.argument("checkpoint", type=click.Path(path_type=Path))
@click.option("--pack", type=click.Path(path_type=Path), required=True, help="For the thresholds.")
@click.option("--name", required=True, help="Name of the model.")
@click.option("--models", type=click.Path(path_type=Path), help="Models folder (yours by default).")
@click.option("--licence", default="as its training data allow", help="Licence on the card.")
@click.option("--training-data", default="", help="Training data on the card.")
@click.option(
    "--threshold-source", multiple=True, help="Only this source sets the thresholds; repeatable."
)
@click.option("--default", "is_default", is_flag=True, help="Make it the models folder's default.")
def model(
    checkpoint: Path,
    pack: Path,
    name: str,
    models: Path | None,
    licence: str,
    training_data: str,
    threshold_source: tuple[str, ...],
    is_default: bool,
) -> None:
    """Export CHECKPOINT to ONNX; refused unless graph and net agree.

    Thresholds are set on the people of the pack that were held out from training.

    Example: facerec export model runs/first/last.pt --pack PACK --name mine
    """
    _check_name(name)
    from facerec.paths import user_models_dir
    from training.data.pack import CropPack
    from training.export import export_model

    exported = export_model(
        checkpoint,
        CropPack(pack),
        models or user_models_dir(),
        name=name,
        licence=licence,
        training_data=training_data,
        is_default=is_default,
        threshold_sources=threshold_source,
    )
    output.line(
        f"{exported.path} written (agrees with the net to a cosine of {exported.worst_cosine:.6f})."
        f" Next: facerec evaluate lfw --model {name}"
    )


@export.command()
@click.argument("model")
@click.option("--pack", type=click.Path(path_type=Path), required=True, help="Its training pack.")
@click.option("--name", help="Name of the int8 model [default: MODEL-int8].")
@click.option("--models", type=click.Path(path_type=Path), help="Models folder (yours by default).")
@click.option("--lfw", type=click.Path(path_type=Path), help="Measure the loss on LFW in here.")
@click.option("--crops", type=int, default=512, show_default=True, help="Calibrate on so many.")
@click.option(
    "--threshold-source", multiple=True, help="Only this source sets the thresholds; repeatable."
)
def int8(
    model: str,
    pack: Path,
    name: str | None,
    models: Path | None,
    lfw: Path | None,
    crops: int,
    threshold_source: tuple[str, ...],
) -> None:
    """Write the int8 version of MODEL: smaller and quicker, its vectors are its own.

    Calibrated on training crops of the pack. Refused when it strays from MODEL, when an older
    processor would give other vectors, or when it loses more than 0.3 points on LFW.

    Example: facerec export int8 lean --pack PACK --lfw lfw
    """
    from facerec.paths import user_models_dir
    from facerec.zoo import find_model
    from training.data.pack import CropPack
    from training.quantise import described, quantise_model

    parent = find_model(model)
    name = name or f"{parent.name}-int8"
    _check_name(name)
    with output.progress() as task:
        made = quantise_model(
            parent,
            CropPack(pack),
            models or user_models_dir(),
            name=name,
            lfw=lfw,
            n_calibration=crops,
            threshold_sources=threshold_source,
            task=task,
        )
    output.line(f"{made.path} written. {described(made)}.")


def _check_name(name: str) -> None:
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]*", name):
        raise click.BadParameter("use a-z, 0-9, . and -", param_hint="--name")


@export.command()
@click.argument("folder", type=click.Path(path_type=Path))
def mtcnn(folder: Path) -> None:
    """Convert MTCNN's three nets from the facenet-pytorch package into FOLDER.

    Example: facerec export mtcnn models/
    """
    from training.mtcnn_export import export_mtcnn

    export_mtcnn(folder)
    output.line(f"P-Net, R-Net and O-Net written to {folder}.")


@export.command()
@click.argument("model")
@click.option(
    "--pack", type=click.Path(path_type=Path), required=True, help="With held-out people."
)
@click.option("--source", required=True, help="Only people of this source.")
def strangers(model: str, pack: Path, source: str) -> None:
    """Write the reference of MODEL beside it: how high strangers score in small galleries.

    Measured on the people of the pack that were held out from training. `facerec calibrate` uses it
    for galleries too small to be measured themselves.

    Example: facerec export strangers lean --pack PACK --source celeba
    """
    from facerec.match.reference import ENDING
    from facerec.zoo import find_model
    from training.data.pack import CropPack
    from training.strangers import reference_of_model

    path = find_model(model).path.with_suffix(ENDING)
    reference = reference_of_model(CropPack(pack), model, source)
    path.write_text(reference.to_text(), encoding="utf-8")
    output.line(f"{path} written, from {reference.n_people} people held out.")
