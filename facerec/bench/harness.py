"""Interleaved benchmarks: several programs do the same work in turns, each in a process of its own.

Times drift with the machine's load, so only ratios of times taken in turns are worth anything: in
each round every program has its turn on every case, and the order rotates. The workers are scripts
in ``peers/``, which this module never imports.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from itertools import product
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facerec.errors import DependencyError, RangeError
from facerec.progress import SilentTask, Task
from facerec.runtime import available_cores

PEERS_DIR = Path(__file__).parent / "peers"
# Another interpreter to look for peers in, when they are not installed beside facerec.
PEERS_PYTHON_VARIABLE = "FACEREC_PEERS_PYTHON"
# A turn lasts at least this long and holds at least so many runs; its median counts.
TURN_S = 0.3
TURN_RUNS = 3
BOOTSTRAP_DRAWS = 2000
# 95 % of the draws lie between these.
INTERVAL_PERCENT = (2.5, 97.5)
PACKAGES = (
    "numpy",
    "opencv-python",
    "openvino",
    "onnxruntime",
    "torch",
    "facenet-pytorch",
    "dlib-bin",
)
PROCESSOR_FLAGS = ("avx2", "avx512f", "avx512_bf16", "avx512_vnni", "avx_vnni", "amx_bf16")


@dataclass(frozen=True, slots=True)
class Contender:
    """One program.

    Attributes:
        name: for the table.
        script: worker in ``peers/``.
        settings: what the worker is opened with.
        remedy: how to install what it needs.
    """

    name: str
    script: str
    settings: Mapping[str, object]
    remedy: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One input all programs work on.

    Attributes:
        name: for the table.
        data: any array; workers get it as a file.
    """

    name: str
    data: NDArray[Any]


@dataclass(frozen=True, slots=True)
class Absence:
    """A program that could not take part, and what to do about it."""

    contender: str
    reason: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Timing:
    """What one program took for one case.

    Attributes:
        contender: its name.
        case: its name.
        round_s: median seconds of each round's turn.
        answer: what it answered, as its worker reports it.
    """

    contender: str
    case: str
    round_s: tuple[float, ...]
    answer: object

    @property
    def median_s(self) -> float:
        """Median over the rounds."""
        return float(np.median(self.round_s))

    @property
    def quartiles_s(self) -> tuple[float, float]:
        """Lower and upper quartile over the rounds."""
        lower, upper = np.percentile(self.round_s, (25, 75))
        return float(lower), float(upper)


@dataclass(frozen=True, slots=True)
class Ratio:
    """How many times longer one program took than another, with a 95 % bootstrap interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class BenchReport:
    """All timings of one benchmark.

    Attributes:
        subject: the contender the others are compared with.
        timings: one per program and case.
        absences: programs that could not take part.
        facts: contender -> what its worker said about itself.
        machine: processor, memory, versions, date.
    """

    subject: str
    timings: tuple[Timing, ...]
    absences: tuple[Absence, ...]
    facts: Mapping[str, Mapping[str, object]]
    machine: Mapping[str, object] = field(default_factory=dict)

    def timing(self, contender: str, case: str) -> Timing:
        """Return one timing.

        Raises:
            KeyError: there is none.
        """
        for timing in self.timings:
            if (timing.contender, timing.case) == (contender, case):
                return timing
        raise KeyError((contender, case))

    def ratio(self, contender: str, case: str) -> Ratio:
        """How many times longer ``contender`` took than the subject, round against round."""
        return ratio_of_medians(
            self.timing(contender, case).round_s, self.timing(self.subject, case).round_s
        )

    def payload(self) -> dict[str, object]:
        """Everything, as JSON can carry it."""
        timings = [
            asdict(timing)
            | {"median_s": timing.median_s, "quartiles_s": timing.quartiles_s}
            | {"ratio": asdict(self.ratio(timing.contender, timing.case))}
            for timing in self.timings
        ]
        return {
            "subject": self.subject,
            "timings": timings,
            "absences": [asdict(absence) for absence in self.absences],
            "facts": {name: dict(facts) for name, facts in self.facts.items()},
            "machine": dict(self.machine),
        }


def run_interleaved(
    contenders: Sequence[Contender],
    cases: Sequence[Case],
    *,
    n_rounds: int = 7,
    task: Task | None = None,
) -> BenchReport:
    """Let all programs work on all cases in turns.

    Args:
        contenders: the first one is the subject, and must be able to run.
        cases: what to work on.
        n_rounds: how many rounds count; one more goes before them to warm up.
        task: receives progress.

    Raises:
        RangeError: fewer than one round.
        DependencyError: the subject could not run.
    """
    if n_rounds < 1:
        raise RangeError("At least one round is needed.")
    task = task or SilentTask()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for index, case in enumerate(cases):
            np.save(folder / f"{index}.npy", case.data, allow_pickle=False)
        workers, absences = _started(contenders, stack)
        answers = {}
        for worker, (index, case) in product(workers, enumerate(cases)):
            worker.ask(op="load", case=case.name, path=str(folder / f"{index}.npy"))
            answers[worker.name, case.name] = worker.ask(op="answer", case=case.name)["answer"]
        seconds: dict[tuple[str, str], list[float]] = {key: [] for key in answers}
        for done in range(n_rounds + 1):
            first = done % len(workers)
            for case, worker in product(cases, workers[first:] + workers[:first]):
                taken = worker.ask(op="time", case=case.name, min_s=TURN_S, min_runs=TURN_RUNS)
                if done:  # (the first round warms up)
                    seconds[worker.name, case.name].append(float(np.median(taken["seconds"])))
            task.step("rounds", done + 1, n_rounds + 1)
        facts = {worker.name: worker.facts for worker in workers}
    timings = [Timing(*key, tuple(values), answers[key]) for key, values in seconds.items()]
    return BenchReport(contenders[0].name, tuple(timings), tuple(absences), facts, machine_facts())


def ratio_of_medians(slow: Sequence[float], fast: Sequence[float]) -> Ratio:
    """Ratio of two medians taken round by round, with its 95 % bootstrap interval.

    Args:
        slow: seconds of each round.
        fast: seconds of the same rounds.
    """
    pairs = np.array([slow, fast])
    draws = np.random.default_rng(0).integers(0, len(slow), (BOOTSTRAP_DRAWS, len(slow)))
    medians = np.median(pairs[:, draws], axis=2)
    low, high = np.percentile(medians[0] / medians[1], INTERVAL_PERCENT)
    value = float(np.median(pairs[0]) / np.median(pairs[1]))
    return Ratio(value, float(low), float(high))


def _started(
    contenders: Sequence[Contender], stack: ExitStack
) -> tuple[list[Worker], list[Absence]]:
    workers, absences = [], []
    for contender in contenders:
        try:
            workers.append(stack.enter_context(open_worker(contender)))
        except DependencyError as exc:
            if contender is contenders[0]:
                raise
            absences.append(Absence(contender.name, exc.message, exc.remedy))
    return workers, absences


def open_worker(contender: Contender) -> Worker:
    """Start a program's worker, here or under the interpreter that ``FACEREC_PEERS_PYTHON`` names.

    Raises:
        DependencyError: it cannot run under either.
    """
    pythons = [sys.executable, os.environ.get(PEERS_PYTHON_VARIABLE, "")]
    problem = None
    for python in filter(None, pythons):
        worker = Worker(contender, python)
        try:
            worker.open()
        except DependencyError as exc:
            worker.close()
            problem = problem or exc
        else:
            return worker
    assert problem is not None  # noqa: S101  (there is always one interpreter, this one)
    raise problem


class Worker:
    """A worker process; see ``peers/protocol.py`` for what is said to it.

    Attributes:
        name: of its contender.
        facts: what it said about itself when it was opened.
    """

    def __init__(self, contender: Contender, python: str = sys.executable) -> None:
        """Start the process."""
        self.name = contender.name
        self.facts: dict[str, object] = {}
        self._contender = contender
        # A file never blocks the worker, as a pipe that nobody reads would.
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115  (``close`` closes it)
        self._process = subprocess.Popen(  # noqa: S603  (our own scripts, no shell)
            [python, str(PEERS_DIR / contender.script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            text=True,
            encoding="utf-8",
        )

    def open(self) -> None:
        """Load what is to be measured.

        Raises:
            DependencyError: what it needs is missing.
        """
        self.facts = self.ask(op="open", settings=dict(self._contender.settings))["facts"]

    def ask(self, **request: object) -> dict[str, Any]:
        """Send a request and wait for its answer.

        Raises:
            DependencyError: the worker died or could not do it.
        """
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None  # noqa: S101  (both are pipes)
        assert stdout is not None  # noqa: S101
        try:
            stdin.write(json.dumps(request) + "\n")
            stdin.flush()
            line = stdout.readline()
        except BrokenPipeError:
            line = ""
        answer: dict[str, Any] = json.loads(line) if line else {"error": self._last_words()}
        if "error" in answer:
            raise DependencyError(
                f"{self.name} could not run: {answer['error']}.", remedy=self._contender.remedy
            )
        return answer

    def close(self) -> None:
        """End the process."""
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None  # noqa: S101
            try:
                pipe.close()
            except BrokenPipeError:
                continue
        self._process.wait()
        self._complaints.close()

    def _last_words(self) -> str:
        self._process.wait()
        self._complaints.seek(0)
        lines = self._complaints.read().decode(errors="replace").strip().splitlines()
        return lines[-1].rstrip(".") if lines else "it ended without a word"

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def machine_facts() -> dict[str, object]:
    """What a measurement depends on: processor, cores, memory, system, versions, date."""
    processor, flags = _processor()
    return {
        "processor": processor,
        "flags": [flag for flag in PROCESSOR_FLAGS if flag in flags],
        "cores": available_cores(),
        "memory_gib": _memory_gib(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _processor() -> tuple[str, frozenset[str]]:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:  # (Linux only)
        return platform.processor(), frozenset()
    pairs = [line.partition(":") for line in text.splitlines()]
    values = {key.strip(): value.strip() for key, _, value in pairs}
    return values.get("model name", platform.machine()), frozenset(values.get("flags", "").split())


def _memory_gib() -> float:
    try:
        n_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError):  # (POSIX only)
        return 0.0
    return round(n_bytes / 2**30, 1)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
