"""Several processes train one net, started by ``torchrun``: what they exchange, and who writes.

A process ("rank") embeds its part of a step's batch. Embeddings, targets and labels are then
gathered, with their gradient, and every rank computes the losses of the whole batch, so that losses
that compare a batch within itself see what one process would see.

Convention:
    The loss of the whole is the mean of the ranks' losses, and the gradient likewise: a loss that
    all ranks compute alike stays as it is. Going backward, a gathered row receives the sum over the
    ranks; ``World.average`` then divides every gradient by the number of ranks.

Gradients are exchanged by one explicit all-reduce a step rather than by DistributedDataParallel:
running statistics and the loss travel in the same message, class vectors that live on one rank only
stay out of it, names in checkpoints stay as they are, and steps of several parts exchange once.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import nn

from facerec.errors import ConfigError, DeviceError
from training.distances import full_precision
from training.errors import RankLostError, TrainingError

# The first rank judges held-out people and writes while the others wait at their next exchange.
_PATIENCE = timedelta(hours=2)

T = TypeVar("T")
# Embeddings (B, D), and whatever else it compares them with -> scalar.
Loss = Callable[..., torch.Tensor]


class ShardedParameter(nn.Parameter):
    """A parameter of which each rank holds other rows; its gradient is complete where it lies.

    Attributes:
        first: number of the first row held here, among all rows.
        n_rows: of all ranks together.
    """

    first: int
    n_rows: int


@dataclass(slots=True)
class World:
    """The processes of a run, and which of them this is.

    Attributes:
        rank: number of this process, from 0.
        size: how many there are.
        local_rank: number of this process on its machine; the GPU it takes.
        n_bytes: size of all messages this process has taken part in, before any is split up.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    n_bytes: int = 0

    @property
    def is_first(self) -> bool:
        """Whether this process writes logs and checkpoints."""
        return self.rank == 0

    def device(self, device: torch.device) -> torch.device:
        """Take this process's own GPU; on a CPU all share one."""
        if device.type != "cuda" or self.size == 1:
            return device
        return torch.device("cuda", self.local_rank)

    def part(self, n: int) -> slice:
        """Say which of the n items of a batch belong to this process.

        Raises:
            ConfigError: n cannot be shared out evenly.
        """
        if n % self.size:
            raise ConfigError(
                f"A batch of {n} cannot be shared out evenly to {self.size} processes.",
                remedy=f"Set loop.batch_size={n - n % self.size or self.size}.",
            )
        share = n // self.size
        return slice(self.rank * share, (self.rank + 1) * share)

    def gather(self, x: torch.Tensor) -> torch.Tensor:
        """Put the ranks' (B, ...) under each other, with gradient: (size * B, ...).

        Half-precision values travel as float32, so that their gradients are added up exactly.
        """
        if self.size == 1:
            return x
        if not x.is_floating_point():
            return self.gather_rows(x)
        gathered: torch.Tensor = _Gather.apply(full_precision(x), self)
        return gathered

    def whole(self, loss: Loss) -> Loss:
        """Turn a loss on a whole batch into one that takes this process's part of it.

        Every tensor that it takes has one row a crop, and is gathered.
        """
        if self.size == 1:
            return loss
        return lambda *values, **named: loss(
            *(self._gathered(value) for value in values),
            **{name: self._gathered(value) for name, value in named.items()},
        )

    def _gathered(self, value: object) -> object:
        return self.gather(value) if isinstance(value, torch.Tensor) else value

    def add(self, x: torch.Tensor) -> torch.Tensor:
        """Add up over the ranks, in place and without gradient."""
        return self._reduce(x, dist.ReduceOp.SUM)

    def largest(self, x: torch.Tensor) -> torch.Tensor:
        """Take the largest over the ranks, in place and without gradient."""
        return self._reduce(x, dist.ReduceOp.MAX)

    @torch.no_grad()
    def average(self, loss: float, parameters: Sequence[torch.Tensor], net: nn.Module) -> float:
        """Average the loss, all gradients and the net's running statistics over the ranks.

        Args:
            loss: of this rank.
            parameters: after ``backward``.
            net: whose floating-point buffers are averaged.

        Returns:
            The loss of the whole.
        """
        if self.size == 1:
            return loss
        own, shared = _gradients(parameters)
        shared += [buffer for buffer in net.buffers() if buffer.is_floating_point()]
        scalar = parameters[0].new_tensor([loss])
        flat = torch.cat([scalar, *(x.reshape(-1) for x in shared)])
        self.add(flat).div_(self.size)
        averages = torch.split(flat[1:], [x.numel() for x in shared])
        for x, averaged in zip(shared, averages, strict=True):
            x.copy_(averaged.view(x.shape))
        for x in own:
            x.div_(self.size)
        return float(flat[0])

    @torch.no_grad()
    def clip(self, parameters: Sequence[torch.Tensor], max_norm: float) -> float:
        """Shorten the gradient to a largest norm, rows on other ranks counted in.

        Returns:
            The norm before; the same on all ranks.
        """
        own, shared = _gradients(parameters)
        if self.size == 1 or not own:
            return float(nn.utils.clip_grad_norm_(parameters, max_norm))
        squared = self.add(nn.utils.get_total_norm(own).square())
        norm = (squared + nn.utils.get_total_norm(shared).square()).sqrt()
        nn.utils.clip_grads_with_norm_(parameters, max_norm, norm)
        return float(norm)

    def of_first(self, value: T) -> T:
        """Return what the first rank has, on all ranks."""
        if self.size == 1:
            return value
        box = [value]
        _exchange(lambda: dist.broadcast_object_list(box))
        return box[0]

    def wait(self) -> None:
        """Wait until all ranks are here."""
        if self.size > 1:
            _exchange(dist.barrier)

    def check_alike(self, module: nn.Module, *facts: object) -> None:
        """Make sure that all ranks begin alike.

        Args:
            module: whose state is compared.
            facts: what else shall be the same; their ``repr`` is compared.

        Raises:
            TrainingError: a rank has other weights or other facts.
        """
        if self.size == 1:
            return
        digest = hashlib.sha256(repr(facts).encode())
        for value in module.state_dict().values():
            digest.update(value.cpu().reshape(-1).view(torch.uint8).numpy().tobytes())
        digests = [""] * self.size
        _exchange(lambda: dist.all_gather_object(digests, digest.hexdigest()))
        others = [rank for rank, other in enumerate(digests) if other != digests[0]]
        if others:
            raise TrainingError(
                f"Process {others[0]} begins with other data, weights or settings than process 0.",
                remedy="Give every machine the same pack, recipe and checkpoint.",
            )

    def gather_rows(self, x: torch.Tensor) -> torch.Tensor:
        """Put the ranks' (B, ...) under each other, without gradient."""
        gathered = x.new_empty(self.size * len(x), *x.shape[1:])
        self.n_bytes += gathered.nbytes
        _exchange(lambda: dist.all_gather_into_tensor(gathered, x.contiguous()))
        return gathered

    def scatter_sums(self, x: torch.Tensor) -> torch.Tensor:
        """Add up (size * B, ...) over the ranks; each keeps its (B, ...)."""
        kept = x.new_empty(len(x) // self.size, *x.shape[1:])
        self.n_bytes += x.nbytes
        _exchange(lambda: dist.reduce_scatter_tensor(kept, x.contiguous()))
        return kept

    def _reduce(self, x: torch.Tensor, operation: Any) -> torch.Tensor:  # noqa: ANN401
        if self.size > 1:
            self.n_bytes += x.nbytes
            _exchange(lambda: dist.all_reduce(x, operation))
        return x


ALONE = World()


@contextmanager
def joined(device: str) -> Iterator[World]:
    """Join the other processes that ``torchrun`` has started; alone, where it has not.

    Args:
        device: of the recipe, ``cpu`` (the processes talk by gloo) or ``cuda`` (by NCCL).

    Raises:
        DeviceError: there are more processes on this machine than GPUs.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield ALONE
        return
    world = World(int(os.environ["RANK"]), size, int(os.environ.get("LOCAL_RANK", "0")))
    gpu = _take_gpu(world.local_rank) if device.startswith("cuda") else None
    dist.init_process_group(
        "gloo" if gpu is None else "nccl",
        rank=world.rank,
        world_size=size,
        timeout=_PATIENCE,
        device_id=gpu,
    )
    try:
        yield world
    finally:
        dist.destroy_process_group()


def _take_gpu(local_rank: int) -> torch.device:
    n = torch.cuda.device_count()
    if local_rank >= n:
        raise DeviceError(
            f"There is no GPU for process {local_rank + 1} on this machine; it has {n}.",
            remedy=f"Start it with --nproc-per-node {n}, or set loop.device=cpu.",
        )
    torch.cuda.set_device(local_rank)
    return torch.device("cuda", local_rank)


def _gradients(
    parameters: Sequence[torch.Tensor],
) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """Return the gradients of rows that only this rank has, and those of what all ranks have."""
    own: list[torch.Tensor] = []
    shared: list[torch.Tensor] = []
    for parameter in parameters:
        if parameter.grad is not None:
            (own if isinstance(parameter, ShardedParameter) else shared).append(parameter.grad)
    return own, shared


def _exchange(message: Callable[[], object]) -> None:
    """Exchange a message with the other ranks.

    Raises:
        RankLostError: one of them is gone.
    """
    try:
        message()
    except RuntimeError as exc:  # gloo and NCCL have nothing narrower
        raise RankLostError(
            "Another process of this run has ended or cannot be reached.",
            remedy="See its own message; then start all of them again with --resume.",
        ) from exc


class _Gather(torch.autograd.Function):
    """Rows of all ranks; backward, each row gets the sum of what the ranks say of it."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, world: World) -> torch.Tensor:  # noqa: ANN401
        ctx.world = world
        return world.gather_rows(x)

    @staticmethod
    def backward(ctx: Any, *slopes: torch.Tensor) -> tuple[torch.Tensor, None]:  # noqa: ANN401
        return ctx.world.scatter_sums(slopes[0]), None
