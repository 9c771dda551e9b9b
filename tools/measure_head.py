"""What a step of the sharded head costs a process: memory, messages and time, on a CPU.

    python -m tools.measure_head --people 100000 --batch 256
    torchrun --standalone --nproc-per-node 2 -m -- tools.measure_head --people 100000 --batch 256

Prints one JSON object a process; ``docs/training-at-scale.md`` works with its figures.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import time

import torch

from training.distributed import World, joined
from training.heads.margins import ArcFaceHead
from training.heads.sharded import ShardedHead


def main() -> None:
    """Measure by the command line's settings."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--batch", type=int, default=256, help="crops of all processes together")
    parser.add_argument("--dimension", type=int, default=512)
    parser.add_argument("--share", type=float, default=1.0)
    parser.add_argument("--steps", type=int, default=3)
    settings = parser.parse_args()
    torch.set_num_threads(1)
    with joined("cpu") as world:
        sys.stdout.write(json.dumps(measure(settings, world)) + "\n")


def measure(settings: argparse.Namespace, world: World) -> dict[str, float]:
    """Take some steps with AdamW: times are the fastest step's, memory is that of another one."""
    head = ShardedHead(
        lambda n: ArcFaceHead(embedding_dim=settings.dimension, n_classes=n),
        n_classes=settings.people,
        world=world,
        class_share=settings.share,
    )
    optimizer = torch.optim.AdamW(head.parameters(), lr=1e-3)
    seconds = [step(settings, world, head, optimizer) for _ in range(settings.steps)]
    n_bytes = world.n_bytes
    head.zero_grad()
    with torch.profiler.profile(profile_memory=True) as profile:
        step(settings, world, head, optimizer)
    vectors = [head.held.weight, head.held.weight.grad]
    moments = [x for x in optimizer.state[head.held.weight].values() if x.ndim]
    forward, backward, update = (min(each) for each in zip(*seconds, strict=True))
    return {
        "rank": world.rank,
        "people_held": head.held.n_classes,
        "state_bytes": sum(x.nbytes for x in [*vectors, *moments]),
        "gradient_bytes": head.held.weight.grad.nbytes,
        "peak_bytes_of_step": peak_bytes(profile),
        "message_bytes": world.n_bytes - n_bytes,
        "forward_s": forward,
        "backward_s": backward,
        "update_s": update,
    }


def step(
    settings: argparse.Namespace,
    world: World,
    head: ShardedHead,
    optimizer: torch.optim.Optimizer,
) -> tuple[float, float, float]:
    """Take a step; return the seconds of forward, backward and update."""
    part = world.part(settings.batch)
    embeddings = torch.randn(settings.batch, settings.dimension)[part].requires_grad_()
    labels = torch.randint(settings.people, (settings.batch,))[part]
    head.zero_grad()
    times = [time.perf_counter()]
    loss = head(world.gather(embeddings), world.gather(labels))
    times.append(time.perf_counter())
    loss.backward()
    times.append(time.perf_counter())
    optimizer.step()
    times.append(time.perf_counter())
    return times[1] - times[0], times[2] - times[1], times[3] - times[2]


def peak_bytes(profile: torch.profiler.profile) -> int:
    """Largest sum of what was allocated and not yet freed since the profile began."""
    events = [e for e in profile.profiler.kineto_results.events() if e.name() == "[memory]"]
    sums = itertools.accumulate(e.nbytes() for e in sorted(events, key=lambda e: e.start_ns()))
    return max(sums)


if __name__ == "__main__":
    main()
