"""The log of a run: JSON lines, and the same for TensorBoard where it is asked for."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any

from facerec.errors import DependencyError
from training.errors import CollapsedError, TrainingError
from training.held_out import SCORE_RANGE, HeldOutFigures
from training.recipe import Recipe, recipe_to_table

LOG_NAME = "log.jsonl"
RECIPE_NAME = "recipe.json"


def read_log(run_dir: Path) -> list[dict[str, Any]]:
    """Return the entries of a run's log; a line that was cut off by a kill is left out."""
    try:
        lines = (run_dir / LOG_NAME).read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return []
    entries = []
    for line in lines:
        try:
            entries.append(json.loads(line))
        except ValueError:
            continue
    return entries


def pack_of_run(run_dir: Path) -> Path | None:
    """Return the pack that a run was last started with, as its log says."""
    packs = [entry["pack"] for entry in read_log(run_dir) if "pack" in entry]
    return Path(packs[-1]) if packs else None


class RunLog:
    """Appends what happens to ``log.jsonl``, each line flushed.

    What was logged after the checkpoint that a run goes on from is cut off first: those steps are
    taken again, and an unbroken run has them once.
    """

    def __init__(
        self, run_dir: Path, recipe: Recipe, first_step: int, *, is_written: bool = True
    ) -> None:
        """Open the log of a run that goes on after ``first_step`` steps; write its recipe.

        Where another process writes the log, ``is_written`` is false and nothing is kept.

        Raises:
            DependencyError: TensorBoard is asked for and not installed.
            TrainingError: the folder cannot be written to.
        """
        self._path = run_dir / LOG_NAME
        self._board = None
        if not is_written:
            self._stream = Path(os.devnull).open("a", encoding="utf-8")  # noqa: SIM115
            return
        self._board = _open_board(run_dir, first_step) if recipe.loop.tensorboard else None
        temporary = self._path.with_suffix(".tmp")
        try:
            run_dir.mkdir(parents=True, exist_ok=True)
            kept = [entry for entry in read_log(run_dir) if entry.get("step", 0) <= first_step]
            table = json.dumps(recipe_to_table(recipe), indent=1)
            (run_dir / RECIPE_NAME).write_text(table + "\n", encoding="utf-8")
            temporary.write_text(
                "".join(json.dumps(entry) + "\n" for entry in kept), encoding="utf-8"
            )
            temporary.replace(self._path)
            self._stream = self._path.open("a", encoding="utf-8")
        except OSError as exc:
            raise _unwritable(self._path, exc) from exc

    def __enter__(self) -> RunLog:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stream.close()
        if self._board is not None:
            self._board.close()

    def write(self, event: str, step: int, **facts: object) -> None:
        """Write one line.

        Args:
            event: what kind of line it is.
            step: how many steps have been taken.
            facts: the rest; numbers become curves in TensorBoard.

        Raises:
            TrainingError: it cannot be written.
        """
        try:
            self._stream.write(json.dumps({"event": event, "step": step, **facts}) + "\n")
            self._stream.flush()
        except OSError as exc:
            raise _unwritable(self._path, exc) from exc
        if self._board is not None:
            group = "/".join(str(part) for part in (event, facts.get("source")) if part)
            for name, value in facts.items():
                if isinstance(value, int | float):
                    self._board.add_scalar(f"{group}/{name}", value, step)


class Speaker:
    """Says how a run goes on: to the log in full, to the user in short.

    Attributes:
        n_steps: of the whole run.
        first_step: where this part of it began.
    """

    def __init__(
        self, log: RunLog, remark: Callable[[str], None], *, n_steps: int, first_step: int
    ) -> None:
        self.n_steps, self.first_step = n_steps, first_step
        self._log, self._remark = log, remark
        self._started = self._since = time.perf_counter()
        self._n_crops, self._losses = 0, list[float]()
        self._mean_loss = math.nan

    def start(self, **facts: object) -> None:
        """Log what the run begins with."""
        self._log.write("start", self.first_step, **facts)

    def took_step(self, loss: float, *, n_crops: int) -> None:
        """Take note of a step's loss and crops."""
        self._losses.append(loss)
        self._n_crops += n_crops
        self._mean_loss = sum(self._losses) / len(self._losses)

    def progress(self, done: int, learning_rate: float) -> None:
        """Log the rate, the time left, and loss and speed since the last time."""
        seconds = time.perf_counter() - self._since
        self._log.write(
            "progress",
            done,
            loss=self._mean_loss,
            learning_rate=learning_rate,
            images_per_s=self._n_crops / seconds,
            seconds_left=self._seconds_left(done),
        )
        self._losses.clear()
        self._measure_anew()

    def held_out(self, done: int, figures: Sequence[HeldOutFigures]) -> None:
        """Log figures on held-out people and how their Scores are spread, and say the figures."""
        left = timedelta(seconds=round(self._seconds_left(done)))
        self._remark(f"step {done} of {self.n_steps}, loss {self._mean_loss:.4f}, {left} left")
        for one in figures:
            facts = asdict(one)
            counts = facts.pop("scores")
            self._log.write("held_out", done, **facts)
            self._log.write("scores", done, source=one.source, range=SCORE_RANGE, **counts)
            self._remark(f"  {one}")
        self._measure_anew()

    def remark(self, done: int, sentence: str) -> None:
        """Log a sentence that is not empty, and say it."""
        if sentence:
            self._log.write("remark", done, sentence=sentence)
            self._remark(sentence)

    def collapse(self, done: int, error: CollapsedError | None, *, stop: bool) -> None:
        """Log a collapse, where there is one; say it, or end the run with it."""
        if error is None:
            return
        self._log.write("warning", done, sentence=str(error))
        if stop:
            raise error
        self._remark(str(error))

    def _measure_anew(self) -> None:
        """Begin a stretch of which the speed is measured; evaluations belong to none."""
        self._since, self._n_crops = time.perf_counter(), 0

    def _seconds_left(self, done: int) -> float:
        seconds = time.perf_counter() - self._started
        return seconds / (done - self.first_step) * (self.n_steps - done)


def _open_board(run_dir: Path, first_step: int) -> Any:  # noqa: ANN401  (torch's writer is untyped)
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as exc:
        raise DependencyError(
            "TensorBoard is not installed.",
            remedy="Run pip install tensorboard, or set loop.tensorboard=false.",
        ) from exc
    return SummaryWriter(str(run_dir / "tensorboard"), purge_step=first_step + 1)


def _unwritable(path: Path, exc: OSError) -> TrainingError:
    return TrainingError(
        f"The log {path} cannot be written: {exc.strerror or exc}.",
        remedy="Free some space, then continue the run with --resume.",
    )
