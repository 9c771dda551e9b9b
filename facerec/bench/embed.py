"""``facerec bench embed``: our embedder beside facenet-pytorch's InceptionResnetV1 and ONNX files.

All get the same pixels in the size they take. InceptionResnetV1 has random weights, since the
package downloads its trained ones; the computation is the same. An ONNX file given by the user runs
on the same runtime as our own net, with the same normalisation in front.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from facerec.bench.harness import BenchReport, Case, Contender, run_interleaved
from facerec.errors import NotFoundError
from facerec.progress import Task

# InceptionResnetV1 takes crops of this size; the others cut theirs out of it.
LARGEST_INPUT_PX = 160
BATCHES = (1, 32)


def measure_embedding(
    *,
    model: str = "default",
    mirror: bool = False,
    onnx: Sequence[Path] = (),
    batches: Sequence[int] = BATCHES,
    n_threads: int = 0,
    n_rounds: int = 7,
    task: Task | None = None,
) -> BenchReport:
    """Measure embedding of one crop and of batches, all programs in turns.

    Args:
        model: ours, as in ``facerec models list``.
        mirror: whether ours sums the vectors of crop and mirror image.
        onnx: files of other nets that take (B, 3, 112, 112) float32.
        batches: how many crops at a time.
        n_threads: of each program; 0 leaves it to the program.
        n_rounds: how many rounds count.
        task: receives progress.

    Raises:
        NotFoundError: an ONNX file is not there.
        DependencyError: our own net could not run.
    """
    for path in onnx:
        if not path.is_file():
            raise NotFoundError(f"There is no file {path}.", remedy="Check the name.")
    settings = {"n_threads": n_threads}
    contenders = [
        Contender("facerec", "facerec_embed.py", {**settings, "model": model, "mirror": mirror}),
        Contender(
            "InceptionResnetV1",
            "facenet_embed.py",
            settings,
            "Install it: pip install 'facerec[train]'.",
        ),
        *(
            Contender(path.stem, "onnx_embed.py", {**settings, "path": str(path.resolve())})
            for path in onnx
        ),
    ]
    # What the pixels show makes no difference to the time.
    pixels = np.random.default_rng(0).integers(
        0, 256, (max(batches), LARGEST_INPUT_PX, LARGEST_INPUT_PX, 3), np.uint8
    )
    cases = [Case(f"{n} crop{'' if n == 1 else 's'}", pixels[:n]) for n in batches]
    return run_interleaved(contenders, cases, n_rounds=n_rounds, task=task)


def format_report(report: BenchReport) -> str:
    """Lay a report out as a table of plain text."""
    lines = []
    for case in dict.fromkeys(timing.case for timing in report.timings):
        lines.append(f"{case:<22}{'ms (quartiles)':>24}{'dim':>7}{'x facerec (95 %)':>22}")
        for timing in (timing for timing in report.timings if timing.case == case):
            lower, upper = timing.quartiles_s
            ratio = report.ratio(timing.contender, case)
            times = f"{timing.median_s * 1e3:.2f} ({lower * 1e3:.2f}-{upper * 1e3:.2f})"
            ratios = f"{ratio.value:.2f} ({ratio.low:.2f}-{ratio.high:.2f})"
            lines.append(f"  {timing.contender:<20}{times:>24}{timing.answer!s:>7}{ratios:>22}")
    lines += [f"not measured: {entry.reason} {entry.remedy}" for entry in report.absences]
    machine = report.machine
    lines.append(f"{machine['processor']}, {machine['cores']} cores, {machine['date']}")
    return "\n".join(lines)
