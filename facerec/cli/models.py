"""``facerec models``: the model zoo from the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from facerec.cli import model_change, output
from facerec.cli.options import json_option, settings
from facerec.errors import FacerecError, NotFoundError

if TYPE_CHECKING:
    from facerec.zoo import ModelCard


@click.group()
def models() -> None:
    """List models, show a model's card, verify the files, choose one.

    Example: facerec models list
    """


for _command in model_change.COMMANDS:
    models.add_command(_command)


@models.command("list")
@json_option
def list_command(*, as_json: bool) -> None:
    """List the models there are.

    Example: facerec models list
    """
    from facerec.zoo import list_models

    cards = list_models()
    in_use = _name_in_use()
    rows = [
        [
            card.name,
            card.task,
            card.embedding_dim or None,
            sum(file.bytes for file in card.files) / 1e6,
            card.licence,
            ", ".join(["default"] * card.default + ["in use"] * (card.name == in_use)),
        ]
        for card in cards
    ]
    text = output.table(["name", "task", "dimension", "MB", "licence", ""], rows)
    payload = {"models": [_card_payload(card) for card in cards], "in_use": in_use}
    output.emit(text, payload, as_json=as_json)


@models.command()
@click.argument("name")
@json_option
def info(name: str, *, as_json: bool) -> None:
    """Show the card of the model NAME.

    Example: facerec models info mtcnn
    """
    card = _card_named(name)
    payload = _card_payload(card)
    rows = [
        [key.replace("_", " "), value]
        for key, value in payload.items()
        if key not in {"thresholds", "files"} and value not in ("", None)
    ]
    text = output.table(["", card.name], rows)
    for point in card.thresholds:
        text += (
            f"\nthreshold {point.score:.4f}: false match rate {point.fmr:g}, from "
            f"{point.comparisons} comparisons of different people ({point.dataset}, {point.date})"
        )
    output.emit(text, payload, as_json=as_json)


@models.command()
@click.argument("names", nargs=-1)
@json_option
def verify(names: tuple[str, ...], *, as_json: bool) -> int:
    """Compare the model files with the digests on their cards; all models when none is NAMED.

    Example: facerec models verify
    """
    from facerec.zoo import list_models, verified_path

    cards = [_card_named(name) for name in names] if names else list(list_models())
    rows = []
    failures: list[FacerecError] = []
    for card in cards:
        for file in card.files:
            try:
                verified_path(card, file.file)
                rows.append([card.name, file.file, "ok"])
            except FacerecError as exc:
                failures.append(exc)
                rows.append([card.name, file.file, str(exc)])
    if not rows:
        raise NotFoundError("There are no models.", remedy="Install facerec again.")
    payload = {
        "files": [{"model": m, "file": f, "ok": r == "ok", "result": r} for m, f, r in rows],
        "ok": not failures,
    }
    output.emit(output.table(["model", "file", "result"], rows), payload, as_json=as_json)
    return 1 if failures else 0


def _name_in_use() -> str | None:
    from facerec.zoo import find_model

    try:
        return find_model(settings({}).embed.model).name
    except NotFoundError:
        return None


def _card_named(name: str) -> ModelCard:
    from facerec.zoo import find_model, list_models

    for card in list_models():
        if card.name == name:
            return card
    return find_model(name)


def _card_payload(card: ModelCard) -> dict[str, object]:
    payload = output.jsonable(card)
    if not isinstance(payload, dict):
        raise TypeError("A model card is a dataclass.")
    return payload
