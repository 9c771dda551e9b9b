"""The commands that training adds: ``facerec train`` and ``facerec export``.

Nothing heavy is imported before a command runs: the help page of the program loads this module.
"""

from __future__ import annotations

import re
from pathlib import Path

import click

from facerec.cli import output


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

    Example: facerec train run lean-distill loop.steps=3000 --pack PACK --run runs/first
    """
    from training.recipe import load_recipe
    from training.train import train as train_net

    loaded = load_recipe(recipe, overrides)
    with output.progress() as task:
        last = train_net(loaded, pack, run_dir, resume=resume, start_from=start_from, task=task)
    output.line(f"Trained. Next: facerec export {last} --pack {pack} --name MY-MODEL")


@train.command()
@click.argument("crops", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.argument("pack", type=click.Path(path_type=Path))
@click.option("--same-people", default="", help="Sources naming people alike: celeba,celebawild.")
def pack(crops: tuple[Path, ...], pack: Path, same_people: str) -> None:
    """Gather aligned CROPS (folders with one subfolder per person) into a PACK.

    Example: facerec train pack aligned/mine aligned/others packs/both
    """
    from training.data.pack import pack_folders

    shared = [name.strip() for name in same_people.split(",") if name.strip()]
    with output.progress() as task:
        count = pack_folders(crops, pack, same_people=shared, task=task)
    output.line(f"{count} crops packed in {pack}.")


@train.command()
@click.argument("recipe")
@click.argument("pack", type=click.Path(path_type=Path))
@click.option("--near", type=click.Path(path_type=Path), help="Aligned crops to be kept apart.")
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
