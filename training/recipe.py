"""A recipe: one training configuration, from a TOML file and ``section.key=value`` overrides.

The dataclasses below are the only place of defaults. Unknown keys are refused with the nearest one.
"""

from __future__ import annotations

import copy
import dataclasses
import tomllib
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_origin, get_type_hints

from facerec.errors import ConfigError
from training.data.augment import AugmentSettings
from training.data.targets import Teacher

RECIPES_DIR = Path(__file__).resolve().parent / "recipes"

# The first recipes and checkpoints knew the lean net only and had its settings beside its name.
FIRST_NET_SETTINGS = {"widths": [32, 48, 96, 192], "blocks": [0, 2, 3, 1], "head_width": 512}


@dataclass(frozen=True, slots=True)
class NetSettings:
    """Which net, and what every net has.

    Attributes:
        name: of the net in ``training.nets``.
        embedding_dim: length of the output vector.
        crop_size_px: side of the Crops.
        settings: what this net takes besides.
    """

    name: str = "lean"
    embedding_dim: int = 512
    crop_size_px: int = 112
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LoopSettings:
    """How long and in which steps.

    Attributes:
        steps: optimiser steps of the whole run.
        batch_size: crops a step.
        sampling: ``plain``, every crop once a pass, or ``balanced``, every person equally often;
            ``metric.people`` goes before it.
        accumulate: micro-batches that a step's crops are computed in, one after the other, to save
            memory; batch norms and losses that compare crops see a micro-batch, not the batch.
        small_side_px: side of the crops in the first part of the run, a multiple of 16; a step on
            64 px costs a third of one on 112 px.
        small_fraction: share of the steps that see small crops; 0 for none.
        evaluate_every: steps between evaluations on held-out people.
        checkpoint_every: steps between checkpoints.
        seed: of initial weights, order and augmentation.
        precision: ``auto`` (bf16 where the processor or GPU has it), ``bf16`` or ``f32``.
        device: ``cpu`` or ``cuda``.
        n_threads: CPU threads; 0 leaves it to torch.
        stop_on_collapse: end the run where the embeddings have collapsed, instead of warning.
        tensorboard: write the log for TensorBoard too, which must be installed.
    """

    steps: int = 7000
    batch_size: int = 128
    sampling: str = "plain"
    small_side_px: int = 64
    small_fraction: float = 0.0
    evaluate_every: int = 1000
    checkpoint_every: int = 250
    seed: int = 0
    precision: str = "auto"
    device: str = "cpu"
    n_threads: int = 0
    accumulate: int = 1
    stop_on_collapse: bool = False
    tensorboard: bool = False

    def __post_init__(self) -> None:
        # Batch norm needs two crops.
        if (
            self.accumulate < 1
            or self.batch_size % self.accumulate
            or (self.accumulate > 1 and self.batch_size < 2 * self.accumulate)
        ):
            raise ConfigError(
                f"A batch of {self.batch_size} makes no {self.accumulate} equal micro-batches of "
                "two crops or more.",
                remedy="Change loop.accumulate or loop.batch_size.",
            )


@dataclass(frozen=True, slots=True)
class OptimizerSettings:
    """The optimiser, its rate over the steps, clipping and an average of the weights.

    Attributes:
        name: of ``training.optimizers``.
        settings: what the optimiser takes besides rate and decay, in torch's words.
        learning_rate: the peak.
        weight_decay: on convolutions and linear layers; never on norms and biases.
        warmup_steps: linear rise.
        schedule: of the rate after the rise: ``cosine``, ``polynomial``, ``step``, ``constant``.
        final_fraction: what ``cosine`` and ``polynomial`` leave of the peak at the end.
        power: of ``polynomial``.
        milestones: shares of the run, in (0, 1), at each of which ``step`` lowers the rate.
        milestone_factor: what each of them leaves of the rate.
        clip_norm: largest norm of the gradient.
        average_decay: of the exponential average that is evaluated and exported.
    """

    name: str = "adamw"
    settings: dict[str, Any] = field(default_factory=dict)
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    warmup_steps: int = 300
    schedule: str = "cosine"
    final_fraction: float = 0.01
    power: float = 2.0
    milestones: tuple[float, ...] = (0.5, 0.75, 0.9)
    milestone_factor: float = 0.1
    clip_norm: float = 5.0
    average_decay: float = 0.999

    def __post_init__(self) -> None:
        if not all(0 < share < 1 for share in self.milestones):
            raise ConfigError(
                "Milestones are shares of the run between 0 and 1.",
                remedy="Write optimizer.milestones=[0.5, 0.75].",
            )


@dataclass(frozen=True, slots=True)
class TransferSettings:
    """What a run keeps of the weights it starts from.

    A prefix is the name of a part of the net, ``stages`` or ``stages.0``.

    Attributes:
        freeze: prefixes of parts that are not trained; their norms' statistics stay too.
        rate_factors: prefix -> factor on the learning rate; the longest prefix holds, and 1 where
            there is none.
        frozen_norms: the statistics of all batch norms stay as they are.
    """

    freeze: tuple[str, ...] = ()
    rate_factors: dict[str, Any] = field(default_factory=dict)
    frozen_norms: bool = False

    def __post_init__(self) -> None:
        for prefix, factor in self.rate_factors.items():
            if isinstance(factor, bool) or not isinstance(factor, int | float) or factor <= 0:
                raise ConfigError(
                    f"The rate factor of {prefix} is no positive number: {factor!r}.",
                    remedy='Write {"stages.0" = 0.1}; parts in transfer.freeze are not trained.',
                )


@dataclass(frozen=True, slots=True)
class DistillSettings:
    """How the student learns from its teachers.

    Attributes:
        weight: share of the whole; 0 trains without teachers.
        similarity_weight: share of the loss's second term.
        live: the teachers look at each disturbed view, rather than once at each clean crop.
        mix_share: share of views that are a mixture of two faces; needs ``live``.
        looks: how many steps learn from each view; more than one saves making it and asking the
            teachers again. Needs ``live``.
        kept_batches: how many batches of views are kept to be dealt out anew.
        directions: how many leading directions of the teachers' vectors are learnt; the rest is
            mostly noise of theirs. 0 learns all. Needs ``live``.
        hints: parts of the net whose maps learn from the ``hints`` of each teacher.
        hint_weight: share of that.
    """

    weight: float = 1.0
    similarity_weight: float = 5.0
    live: bool = False
    mix_share: float = 0.0
    looks: int = 1
    kept_batches: int = 32
    directions: int = 0
    hints: tuple[str, ...] = ()
    hint_weight: float = 0.0

    def __post_init__(self) -> None:
        if self.mix_share and not self.live:
            raise ConfigError(
                "Mixtures of faces have no targets of their own.",
                remedy="Set distill.live=true, or distill.mix_share=0.",
            )
        if min(self.looks, self.kept_batches) < 1:
            raise ConfigError(
                "Each view is looked at once or more, and a batch or more is kept.",
                remedy="Set distill.looks and distill.kept_batches to 1 or more.",
            )
        if (self.looks > 1 or self.hints or self.directions) and not self.live:
            raise ConfigError(
                "Kept views, hints and chosen directions need teachers that look at each view.",
                remedy="Set distill.live=true, or distill.looks=1, distill.directions=0 and no "
                "distill.hints.",
            )


@dataclass(frozen=True, slots=True)
class HeadSettings:
    """A head of ``training.heads`` over the labelled crops.

    Attributes:
        name: of the head; empty for none.
        weight: share of the whole.
        neck: a batch norm between the embedding and the head.
        settings: what the head takes.
        sharded: each process holds the vectors of its share of the people.
        class_share: of the people whose vectors take part in a step; needs ``sharded``.
    """

    name: str = ""
    weight: float = 1.0
    neck: bool = False
    settings: dict[str, Any] = field(default_factory=dict)
    sharded: bool = False
    class_share: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.class_share <= 1:
            raise ConfigError(
                f"A step cannot take a share of {self.class_share} of the people.",
                remedy="Set head.class_share above 0 and up to 1.",
            )
        if self.class_share < 1 and not self.sharded:
            raise ConfigError(
                "Only a sharded head takes a share of the people.",
                remedy="Set head.sharded=true, or head.class_share=1.0.",
            )


@dataclass(frozen=True, slots=True)
class MetricSettings:
    """A loss of ``training.losses`` on the labelled crops.

    Attributes:
        name: of the loss; empty for none.
        weight: share of the whole.
        people: P, people in a batch; 0 draws crops one by one.
        images: K, crops of each of them.
        memory: how many past embeddings the batch is compared with as well; 0 for none.
        memory_warmup: steps before that begins.
        settings: what the loss takes.
    """

    name: str = ""
    weight: float = 1.0
    people: int = 0
    images: int = 4
    memory: int = 0
    memory_warmup: int = 1000
    settings: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.memory and not self.name:
            raise ConfigError(
                "There is no metric loss to look at the memory.",
                remedy="Give metric.name, or set metric.memory=0.",
            )


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything a run depends on besides the data."""

    name: str = "unnamed"
    net: NetSettings = field(default_factory=NetSettings)
    loop: LoopSettings = field(default_factory=LoopSettings)
    optimizer: OptimizerSettings = field(default_factory=OptimizerSettings)
    transfer: TransferSettings = field(default_factory=TransferSettings)
    distill: DistillSettings = field(default_factory=DistillSettings)
    head: HeadSettings = field(default_factory=HeadSettings)
    metric: MetricSettings = field(default_factory=MetricSettings)
    augment: AugmentSettings = field(default_factory=AugmentSettings)
    teacher: tuple[Teacher, ...] = ()


def load_recipe(name_or_path: str, overrides: tuple[str, ...] = ()) -> Recipe:
    """Read a recipe.

    Args:
        name_or_path: a shipped recipe's name, or the path of a TOML file.
        overrides: ``section.key=value``, the value in TOML's spelling (bare words are text).

    Raises:
        ConfigError: no such recipe, unknown key, wrong type, or broken TOML.
    """
    path = Path(name_or_path)
    if not path.is_file():
        path = RECIPES_DIR / f"{name_or_path}.toml"
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as exc:
        shipped = ", ".join(sorted(p.stem for p in RECIPES_DIR.glob("*.toml")))
        raise ConfigError(
            f"There is no recipe {name_or_path!r}.", remedy=f"Shipped recipes: {shipped}."
        ) from exc
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        raise ConfigError(f"The recipe {path} cannot be read: {exc}.") from exc
    return recipe_from_table(table, overrides)


def recipe_from_table(table: dict[str, Any], overrides: tuple[str, ...] = ()) -> Recipe:
    """Build a Recipe from nested tables, as found in TOML or in a checkpoint.

    Args:
        table: the sections.
        overrides: see ``load_recipe``.

    Raises:
        ConfigError: unknown key or wrong type.
    """
    table = copy.deepcopy(table)
    for override in overrides:
        _apply_override(table, override)
    if isinstance(table.get("net"), dict):
        table["net"] = _with_net_settings(table["net"])
    result: Recipe = _build(Recipe, table, "")
    return result


def recipe_to_table(recipe: Recipe) -> dict[str, Any]:
    """Return the recipe as nested tables of plain values."""
    return dataclasses.asdict(recipe)


def _apply_override(table: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals:
        raise ConfigError(f"{override!r} is no override.", remedy="Write section.key=value.")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text
    *sections, last = key.strip().split(".")
    for section in sections:
        table = table.setdefault(section, {})
    table[last] = value


def _with_net_settings(net: dict[str, Any]) -> dict[str, Any]:
    """Move what a lean net of the first form has beside its name into its settings."""
    first = {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in net.items()
        if key in FIRST_NET_SETTINGS
    }
    if not first or net.get("name", "lean") != "lean":
        return net
    rest = {key: value for key, value in net.items() if key not in first}
    return rest | {"settings": FIRST_NET_SETTINGS | net.get("settings", {}) | first}


def checked_values(hints: dict[str, Any], table: dict[str, Any], prefix: str) -> dict[str, Any]:
    """Check a table's keys and types.

    Args:
        hints: the keys there are, with their types.
        table: keys and values.
        prefix: of the keys in error sentences, ``section.``.

    Returns:
        The values, lists as tuples where these are asked for.

    Raises:
        ConfigError: unknown key or wrong type.
    """
    values = {}
    for key, value in table.items():
        if key not in hints:
            close = get_close_matches(key, hints, n=1)
            known = f"Did you mean {prefix}{close[0]}?" if close else f"Keys: {', '.join(hints)}."
            raise ConfigError(f"The recipe has an unknown key {prefix}{key}.", remedy=known)
        values[key] = _convert(hints[key], value, f"{prefix}{key}")
    return values


def _build(cls: type[Any], table: dict[str, Any], prefix: str) -> Any:  # noqa: ANN401
    values = checked_values(get_type_hints(cls), table, prefix)
    try:
        return cls(**values)
    except TypeError as exc:
        raise ConfigError(f"The recipe's part {prefix or 'top'} is incomplete: {exc}.") from exc


def _convert(hint: Any, value: Any, key: str) -> Any:  # noqa: ANN401
    if dataclasses.is_dataclass(hint) and isinstance(value, dict):
        return _build(hint, value, f"{key}.")  # type: ignore[arg-type]
    if get_origin(hint) is dict and isinstance(value, dict):
        return dict(value)
    args = getattr(hint, "__args__", ())
    if isinstance(value, list | tuple) and args:
        inner = args[0]
        if args[-1] is not Ellipsis and len(value) != len(args):
            raise ConfigError(f"The recipe's {key} needs {len(args)} values.")
        return tuple(_convert(inner, item, key) for item in value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not hint:
        raise ConfigError(f"The recipe's {key} has a wrong type: {value!r}.")
    return value
