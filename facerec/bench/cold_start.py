"""Cold start of ``facerec verify A B`` beside the same job done with facenet-pytorch.

Both run as processes of their own, in turns, so that a busy moment of the machine hits both. Wall
time is from start to exit; peak memory is what the kernel counted for the process (``ru_maxrss``).
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

from facerec.errors import DependencyError, RangeError
from facerec.progress import SilentTask, Task

PEER_SCRIPT = Path(__file__).parent / "peers" / "facenet_verify.py"
PEER_NOTE = (
    "facenet-pytorch's MTCNN (smallest face 40 px) and InceptionResnetV1 with random weights, so "
    "without the time to read its weights file"
)
# `facerec verify` ends with 0 for "same person" and 3 for "different"; both are answers.
_ANSWERS = frozenset({0, 3})
_KIB_PER_MIB = 1024
# Linux starts a process's peak at the size of whoever started it, so a small one does.
_LAUNCHER = """
import os, sys, time
nothing = os.open(os.devnull, os.O_WRONLY)
start = time.perf_counter()
actions = [(os.POSIX_SPAWN_DUP2, nothing, 1)]
child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=actions)
_, status, usage = os.wait4(child, 0)
wall_s = time.perf_counter() - start
print([os.waitstatus_to_exitcode(status), wall_s, usage.ru_maxrss])
"""


@dataclass(frozen=True, slots=True)
class Run:
    """One process.

    Attributes:
        wall_s: from start to exit.
        peak_mib: largest resident memory.
    """

    wall_s: float
    peak_mib: float


@dataclass(frozen=True, slots=True)
class ColdStartReport:
    """What was measured.

    Attributes:
        facerec: runs of ``facerec verify``.
        peer: runs of the peer, interleaved with those.
        note: what the peer is.
        time_ratio: median wall time of the peer over that of facerec.
        memory_ratio: median peak memory of facerec over that of the peer.
    """

    facerec: tuple[Run, ...]
    peer: tuple[Run, ...]
    note: str
    time_ratio: float
    memory_ratio: float


def measure_cold_start(
    first: Path, second: Path, *, n_rounds: int = 7, task: Task | None = None
) -> ColdStartReport:
    """Run both programs in turns on two images of one face each.

    The first round of each fills the page cache and is not counted.

    Args:
        first: an image with one face.
        second: another.
        n_rounds: how many runs of each count.
        task: receives progress.

    Raises:
        DependencyError: a program could not do the job, for example because facenet-pytorch is
            missing.
    """
    if n_rounds < 1:
        raise RangeError("At least one round is needed.")
    if not sys.platform.startswith("linux"):
        raise DependencyError(
            "The peak memory of a process is measured on Linux only.", remedy="Use Linux."
        )
    task = task or SilentTask()
    ours = [sys.executable, "-m", "facerec", "verify", str(first), str(second), "--json"]
    peer = [sys.executable, str(PEER_SCRIPT), str(first), str(second)]
    own_runs, peer_runs = [], []
    for done in range(n_rounds + 1):
        own_runs.append(run_measured(ours))
        peer_runs.append(run_measured(peer))
        task.step("rounds", done + 1, n_rounds + 1)
    own_runs, peer_runs = own_runs[1:], peer_runs[1:]
    return ColdStartReport(
        facerec=tuple(own_runs),
        peer=tuple(peer_runs),
        note=PEER_NOTE,
        time_ratio=median(r.wall_s for r in peer_runs) / median(r.wall_s for r in own_runs),
        memory_ratio=median(r.peak_mib for r in own_runs) / median(r.peak_mib for r in peer_runs),
    )


def run_measured(command: list[str]) -> Run:
    """Run a command and measure it.

    Raises:
        DependencyError: it failed.
    """
    launched = subprocess.run(  # noqa: S603  (our own commands, no shell)
        [sys.executable, "-I", "-S", "-c", _LAUNCHER, *command],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=True,
    )
    code, wall_s, peak_kib = json.loads(launched.stdout)
    if code not in _ANSWERS:
        lines = launched.stderr.strip().splitlines()
        raise DependencyError(
            f"{Path(command[1]).name} failed: {lines[-1] if lines else 'no message'}.",
            remedy="Install what it needs: pip install 'facerec[train]'.",
        )
    return Run(wall_s, peak_kib / _KIB_PER_MIB)


def spread(values: list[float]) -> tuple[float, float, float]:
    """Return median and quartiles (median, lower, upper); with one value it is all three."""
    if len(values) == 1:
        return values[0], values[0], values[0]
    lower, middle, upper = quantiles(values, n=4, method="inclusive")
    return middle, lower, upper
