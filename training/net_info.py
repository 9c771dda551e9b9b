"""What a net costs: parameters, multiply-adds, receptive field, memory in training, time."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import fx, nn

from facerec.bench.cold_start import spread
from facerec.bench.harness import machine_facts
from training.nets.lean import WholeMapConvolution
from training.recipe import NetSettings
from training.train import build_net

BATCH_SIZES = (1, 32)
# Runs a batch size: as many as fit into the time, between these bounds, after one to warm up.
MIN_RUNS = 5
MAX_RUNS = 50
RUNS_S = 2.0
# Norms cannot train on one crop, so what a crop adds is the difference between these batches.
MEMORY_BATCHES = (2, 3)


@dataclass(frozen=True, slots=True)
class CropTime:
    """Time of one crop in evaluation, float32: the batch's time divided by its size.

    Attributes:
        batch_size: crops that go in at once.
        median_ms: over the runs.
        quartiles_ms: lower and upper, over the runs.
        n_runs: how often it was measured.
    """

    batch_size: int
    median_ms: float
    quartiles_ms: tuple[float, float]
    n_runs: int


@dataclass(frozen=True, slots=True)
class NetInfo:
    """What one net costs.

    Attributes:
        net: its section of the recipe.
        parameters: numbers that training changes.
        multiply_adds: of one crop, see ``multiply_adds``; None for nets with attention.
        receptive_field_px: see ``receptive_field``; None for nets with attention.
        activation_bytes: of one crop in training, see ``activation_bytes``.
        times: one a batch size.
        n_threads: how many of torch's threads the times were measured with.
        machine: processor, memory, versions.
    """

    net: NetSettings
    parameters: int
    multiply_adds: int | None
    receptive_field_px: int | None
    activation_bytes: int
    times: tuple[CropTime, ...]
    n_threads: int
    machine: Mapping[str, object]


def net_info(settings: NetSettings) -> NetInfo:
    """Build a net with fresh weights and measure it on this machine's CPU.

    Raises:
        ConfigError: no such net, or a setting that it does not take.
    """
    net = build_net(settings)
    side = settings.crop_size_px
    products = multiply_adds(net, side)
    return NetInfo(
        net=settings,
        parameters=sum(p.numel() for p in net.parameters()),
        multiply_adds=products,
        receptive_field_px=None if products is None else receptive_field(net),
        activation_bytes=activation_bytes(net, side),
        times=tuple(crop_time(net, side, batch_size) for batch_size in BATCH_SIZES),
        n_threads=torch.get_num_threads(),
        machine=machine_facts(),
    )


@torch.no_grad()
def multiply_adds(net: nn.Module, side: int) -> int | None:
    """Count the multiply-adds of one crop.

    A multiplication with its addition counts once. Convolutions (grouped and whole-map ones too,
    padding included) and linear layers count; biases, norms, activations, gates' products, sums and
    pooling do not.

    Args:
        net: (B, 3, S, S) -> (B, D).
        side: S.

    Returns:
        How many; None where weight matrices work outside of such layers, as attention's do.
    """
    counts: dict[nn.Module, int] = {}

    def count(module: nn.Module, _: object, output: torch.Tensor) -> None:
        # Each number of the output is a sum of as many products as its filter has weights.
        weight = module.get_parameter("weight")
        counts[module] = counts.get(module, 0) + output.numel() * weight[0].numel()

    counted = (nn.Conv2d, nn.Linear, WholeMapConvolution)
    hooks = [m.register_forward_hook(count) for m in net.modules() if isinstance(m, counted)]
    net.eval()(torch.zeros(1, 3, side, side))
    for hook in hooks:
        hook.remove()
    unseen = [m for m in net.modules() if m not in counts and _has_matrix(m)]
    return None if unseen else sum(counts.values())


def _has_matrix(module: nn.Module) -> bool:
    own = module.parameters(recurse=False)
    return any(sum(length > 1 for length in parameter.shape) > 1 for parameter in own)


def receptive_field(net: nn.Module) -> int:
    """Find how many pixels in a row can change one position of the last map.

    Windows of convolutions and pooling widen the field; where paths meet, the union counts. Layers
    over the whole map (pooling to one position, whole-map convolutions, linear layers, gates) are
    left out: behind them everything sees everything. The field may be larger than the crop. Where
    height and width differ, the longer counts.

    Args:
        net: without attention.

    Returns:
        Pixels.

    Reference:
        Araujo et al. 2019, "Computing Receptive Fields of Convolutional Neural Networks".
    """
    graph = _Tracer().trace(net.eval())
    return max(_longest_field(graph, net, axis) for axis in (0, 1))


@dataclass(frozen=True, slots=True)
class _Window:
    """A convolution's or a pooling's extent along one axis."""

    kernel: int
    stride: int
    padding: int
    dilation: int


@dataclass(frozen=True, slots=True)
class _Field:
    """Position i of a map sees the pixels first + i * jump to last + i * jump."""

    first: int = 0
    last: int = 0
    jump: int = 1

    def behind(self, window: _Window) -> _Field:
        before, reach = window.padding, window.dilation * (window.kernel - 1)
        return _Field(
            self.first - before * self.jump,
            self.last + (reach - before) * self.jump,
            self.jump * window.stride,
        )


class _Tracer(fx.Tracer):
    """Takes the whole-map convolution as one node; its way depends on the crop's side."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """See ``fx.Tracer``."""
        whole_map = isinstance(m, WholeMapConvolution)
        return whole_map or super().is_leaf_module(m, module_qualified_name)


def _longest_field(graph: fx.Graph, net: nn.Module, axis: int) -> int:
    fields: dict[fx.Node, _Field] = {}
    for node in graph.nodes:
        met = [fields[each] for each in node.all_input_nodes if each in fields]
        if node.op == "placeholder":
            fields[node] = _Field()
        elif met:
            field = _Field(
                min(each.first for each in met),
                max(each.last for each in met),
                max(each.jump for each in met),
            )
            window = _window(node, net, axis)
            fields[node] = field if window is None else field.behind(window)
    return max(field.last - field.first + 1 for field in fields.values())


def _window(node: fx.Node, net: nn.Module, axis: int) -> _Window | None:
    """Return a node's window, None where it looks at one position at a time or at all of them."""
    module = net.get_submodule(str(node.target)) if node.op == "call_module" else None
    if not isinstance(module, nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d):
        return None
    extents = (module.kernel_size, module.stride, module.padding, getattr(module, "dilation", 1))
    return _Window(*(each if isinstance(each, int) else int(each[axis]) for each in extents))


def activation_bytes(net: nn.Module, side: int) -> int:
    """Measure what the forward pass of one crop keeps in memory for the backward pass.

    All of it is there at once when the backward pass begins, which is a training step's peak: the
    crop itself, maps, masks, indices, each counted once however many layers refer to it; float32.
    Weights, and what a batch keeps only once, do not count: it is what a third crop adds to two.

    Args:
        net: (B, 3, S, S) -> (B, D).
        side: S.

    Returns:
        Bytes.
    """
    fewer, more = (_kept_bytes(net, side, batch_size) for batch_size in MEMORY_BATCHES)
    return more - fewer


def _kept_bytes(net: nn.Module, side: int, batch_size: int) -> int:
    kept: dict[int, torch.UntypedStorage] = {}

    def keep(tensor: torch.Tensor) -> None:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda nothing: nothing):
        net.train()(torch.zeros(batch_size, 3, side, side))
    return sum(storage.nbytes() for storage in kept.values())


@torch.no_grad()
def crop_time(net: nn.Module, side: int, batch_size: int) -> CropTime:
    """Time a net on the CPU.

    Args:
        net: (B, 3, S, S) -> (B, D).
        side: S.
        batch_size: B.
    """
    net.eval().to(memory_format=torch.channels_last)
    crops = torch.rand(batch_size, 3, side, side).to(memory_format=torch.channels_last)
    net(crops)
    began, runs_ms = time.perf_counter(), list[float]()
    while len(runs_ms) < MIN_RUNS or (
        len(runs_ms) < MAX_RUNS and time.perf_counter() - began < RUNS_S
    ):
        start = time.perf_counter()
        net(crops)
        runs_ms.append((time.perf_counter() - start) * 1e3 / batch_size)
    median, lower, upper = spread(runs_ms)
    return CropTime(batch_size, median, (lower, upper), len(runs_ms))


def format_info(info: NetInfo) -> str:
    """Lay the figures out for reading, one a line."""
    rows = [
        ("parameters", f"{info.parameters:,}"),
        ("multiply-adds a crop", _or_unknown(info.multiply_adds)),
        ("receptive field", f"{_or_unknown(info.receptive_field_px)} px"),
        ("activations in training", f"{info.activation_bytes / 2**20:.2f} MiB a crop"),
    ]
    for each in info.times:
        lower, upper = each.quartiles_ms
        spent = f"{each.median_ms:.2f} ({lower:.2f}-{upper:.2f}) ms a crop, {each.n_runs} runs"
        rows.append((f"batch of {each.batch_size}", spent))
    rows.append(("measured on", f"{info.machine['processor']}, torch threads: {info.n_threads}"))
    width = max(len(name) for name, _ in rows)
    title = f"{info.net.name}, {info.net.crop_size_px} px to {info.net.embedding_dim} numbers"
    return "\n".join([title, *(f"  {name:<{width}}  {value}" for name, value in rows)])


def _or_unknown(value: int | None) -> str:
    return "not known (attention)" if value is None else f"{value:,}"
