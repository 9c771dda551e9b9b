"""``facerec export``: checkpoints become model files."""

from __future__ import annotations

import re
from pathlib import Path

import click

from facerec.cli import output
from training.commands.groups import export


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
