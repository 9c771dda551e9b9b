"""The model zoo: ``models/manifest.toml`` -> a card -> a verified local file.

Offline first: nothing is ever downloaded. A file with another digest than its card says is refused.
"""

from __future__ import annotations

import hashlib
import math
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from facerec.contract import EmbeddingContract
from facerec.errors import (
    ConfigError,
    NotFoundError,
    WeightsCorruptError,
    WeightsMissingError,
)
from facerec.paths import shipped_models_dir, user_models_dir

MANIFEST_NAME = "manifest.toml"


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file of a model: its name beside the manifest, its digest and its size."""

    file: str
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """A Threshold with the error it was set at.

    Attributes:
        score: smallest Score that counts as the same Person (inclusive).
        fmr: false match rate measured at that Score.
        comparisons: how many different-person comparisons that rate rests on.
        dataset: where it was measured.
        date: when, ISO 8601.
    """

    score: float
    fmr: float
    comparisons: int
    dataset: str
    date: str


@dataclass(frozen=True, slots=True)
class ModelCard:
    """Identity card of one model; one table ``[[model]]`` in a manifest.

    Attributes:
        name: what the user types.
        task: ``detect`` or ``embed``.
        input_hw: height and width in pixels; (0, 0) when any size goes in.
        colour: channel order the net takes, ``RGB`` or ``BGR``.
        mean: per channel, on the 0..255 scale.
        std: per channel, on the 0..255 scale.
        embedding_dim: length of the vector, 0 for detectors.
        thresholds: operating points, the default one first.
        folder: where the files lie.
    """

    name: str
    version: str
    task: str
    net: str
    files: tuple[ModelFile, ...]
    input_hw: tuple[int, int]
    colour: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    template: str
    embedding_dim: int
    metric: str
    thresholds: tuple[OperatingPoint, ...]
    licence: str
    source: str
    training_data: str
    paper: str
    exported_from: str
    default: bool
    folder: Path

    @property
    def path(self) -> Path:
        """Where the model's only (or first) file lies."""
        return self.folder / self.files[0].file

    def contract(self, *, mirror: bool = False) -> EmbeddingContract:
        """Return what embeddings of this model depend on."""
        return EmbeddingContract(
            model_sha256=self.files[0].sha256,
            template=self.template,
            crop_size_px=self.input_hw[0],
            colour=self.colour,
            mean=self.mean,
            std=self.std,
            dimension=self.embedding_dim,
            mirror=mirror,
        )

    def threshold_at(self, fmr: float) -> OperatingPoint:
        """Return the operating point with the highest false match rate not above ``fmr``.

        Raises:
            NotFoundError: the card has none that strict.
        """
        strict = [point for point in self.thresholds if point.fmr <= fmr]
        if not strict:
            raise NotFoundError(
                f"The card of {self.name} has no threshold for a false match rate of {fmr:g}.",
                remedy="Calibrate on your own images, or ask for a higher rate.",
            )
        return max(strict, key=lambda point: point.fmr)


def list_models() -> tuple[ModelCard, ...]:
    """All models, the user's own before the shipped ones of the same name, sorted by name."""
    cards: dict[str, ModelCard] = {}
    for folder in (shipped_models_dir(), user_models_dir()):
        for card in read_manifest(folder):
            cards[card.name] = card
    return tuple(cards[name] for name in sorted(cards))


def find_model(name: str, *, task: str = "embed") -> ModelCard:
    """Return the card called ``name``.

    Args:
        name: of the model; ``default`` is the one marked so, the user's own before the shipped one.
        task: ``embed`` or ``detect``.

    Raises:
        NotFoundError: there is none; the remedy lists those that are there.
    """
    cards = [card for card in list_models() if card.task == task]
    own = user_models_dir()
    for card in sorted(cards, key=lambda card: card.folder != own):
        if card.name == name or (name == "default" and card.default):
            return card
    known = ", ".join(card.name for card in cards) or "none"
    raise NotFoundError(
        f"There is no model named {name!r} for {task!r}.",
        remedy=f"Models here: {known}. `facerec models list` shows them.",
    )


def verified_path(card: ModelCard, file: str | None = None) -> Path:
    """Return the local path of a model file after comparing its digest with the card.

    Args:
        card: the model.
        file: which of its files; the first one when not given.

    Raises:
        WeightsMissingError: the file is not there.
        WeightsCorruptError: its digest differs from the card's.
    """
    entry = card.files[0] if file is None else next(f for f in card.files if f.file == file)
    path = card.folder / entry.file
    try:
        stat = path.stat()
    except OSError as exc:
        raise WeightsMissingError(
            f"The model file {entry.file} of {card.name} is not there.",
            remedy=f"Install facerec again, or put the file into {card.folder}.",
            path=str(path),
        ) from exc
    try:
        digest = file_sha256(path, stat.st_size, stat.st_mtime_ns)
    except OSError as exc:
        raise WeightsMissingError(
            f"The model file {entry.file} of {card.name} cannot be read.",
            remedy=f"Check the permissions of {path}.",
            path=str(path),
        ) from exc
    if digest != entry.sha256:
        raise WeightsCorruptError(
            f"The model file {entry.file} of {card.name} is not the one on its card.",
            remedy="It is damaged or was replaced: install facerec again.",
            path=str(path),
        )
    return path


@lru_cache(maxsize=64)
def file_sha256(path: Path, size: int, mtime_ns: int) -> str:
    """SHA-256 of a file in hexadecimal; remembered while size and time stay the same."""
    del size, mtime_ns
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_manifest(folder: Path) -> tuple[ModelCard, ...]:
    """Read the cards in ``folder/manifest.toml``; none when there is no such file.

    Raises:
        ConfigError: the manifest cannot be read or a card lacks something.
    """
    path = folder / MANIFEST_NAME
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return ()
    except OSError as exc:
        raise ConfigError(f"The model manifest {path} cannot be read.", remedy=str(exc)) from exc
    try:
        tables = tomllib.loads(content.decode()).get("model", [])
        return tuple(_card_from_table(table, folder) for table in tables)
    except KeyError as exc:
        raise ConfigError(
            f"A model in {path} lacks {exc}.",
            remedy="Restore it from a backup, or install facerec again.",
        ) from exc
    except (TypeError, ValueError, AttributeError, OverflowError, RecursionError) as exc:
        raise ConfigError(
            f"The model manifest {path} is not valid: {exc}.",
            remedy="Restore it from a backup, or install facerec again.",
        ) from exc


def _card_from_table(table: dict[str, Any], folder: Path) -> ModelCard:
    height, width = _numbers(table, "input_hw", 2)
    red, green, blue = _numbers(table, "mean", 3)
    spread_red, spread_green, spread_blue = _numbers(table, "std", 3)
    files = tuple(
        ModelFile(_file_name(entry), _text(entry, "sha256"), _whole(entry, "bytes"))
        for entry in table["files"]
    )
    if not files:
        raise ValueError(f"{_text(table, 'name')} has no file")
    return ModelCard(
        name=_text(table, "name"),
        version=_text(table, "version"),
        task=_text(table, "task"),
        net=_text(table, "net"),
        files=files,
        input_hw=(int(height), int(width)),
        colour=_text(table, "colour"),
        mean=(red, green, blue),
        std=(spread_red, spread_green, spread_blue),
        template=_text(table, "template"),
        embedding_dim=_whole(table, "embedding_dim"),
        metric=_text(table, "metric"),
        thresholds=tuple(
            OperatingPoint(
                _numbers({"score": [point["score"]]}, "score", 1)[0],
                _numbers({"fmr": [point["fmr"]]}, "fmr", 1)[0],
                _whole(point, "comparisons"),
                _text(point, "dataset"),
                _text(point, "date"),
            )
            for point in table.get("thresholds", [])
        ),
        licence=_text(table, "licence"),
        source=_text(table, "source"),
        training_data=_text(table, "training_data"),
        paper=_text(table, "paper"),
        exported_from=_text(table, "exported_from"),
        default=table.get("default", False) is True,
        folder=folder,
    )


def _text(table: dict[str, Any], key: str) -> str:
    value = table[key]
    if not isinstance(value, str):
        raise TypeError(f"{key} is no text")
    return value


def _whole(table: dict[str, Any], key: str) -> int:
    value = table[key]
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError(f"{key} is no whole number")
    return value


def _numbers(table: dict[str, Any], key: str, length: int) -> list[float]:
    values = table[key]
    if not isinstance(values, list) or len(values) != length:
        raise TypeError(f"{key} is no list of {length}")
    for value in values:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not math.isfinite(value):
            raise TypeError(f"{key} holds what is no number")
    return [float(value) for value in values]


def _file_name(table: dict[str, Any]) -> str:
    name = _text(table, "file")
    if not name or name in {".", ".."} or name != Path(name).name or "\\" in name or "\0" in name:
        raise ValueError(f"{name!r} is no name of a file beside the manifest")
    return name
