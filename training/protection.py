"""What guards a run: a report of a batch that broke it, and a watch for collapsed embeddings."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from facerec.errors import ImageWriteError
from facerec.imaging.draw import write_image
from training.checkpoint import LAST_NAME
from training.data.pack import PackItem
from training.errors import CollapsedError, DivergedError

# Healthy nets stay far below: a batch of different people has a mean cosine of 0 to 0.3.
COLLAPSED_COSINE = 0.95
# Share of the first spread of the embeddings' dimensions below which they count as dead.
COLLAPSED_SPREAD = 0.1
# How near a loss must be to that of equal vectors, relative to it.
STUCK_WITHIN = 0.01
# The watch looks at every tenth step, and warns when it saw the same twenty times running.
WATCH_EVERY = 10
WATCH_PATIENCE = 20

CONTACT_SIDE_PX = 56
# Pixels that are no number are painted in a colour no skin has.
NO_NUMBER_RGB = (255, 0, 255)

_REMEDY = (
    "Start again with a lower optimizer.learning_rate or a longer warm-up, with semi-hard or soft "
    "triplets, or with a head beside the metric loss."
)


class CollapseWatch:
    """Says once when a net has begun to map everybody to the same place.

    Three signs, each of which must hold for a while: the mean cosine of a batch is near 1; half of
    the dimensions vary far less than in the beginning; a loss with a margin stays at what it would
    be if all vectors were equal.

    Attributes:
        every: steps between two looks.
        after: steps of the warm-up; a fresh net may map everybody to one place before it has moved.
        patience: looks in a row that must show the same sign.
    """

    def __init__(
        self,
        objective: nn.Module,
        *,
        every: int = WATCH_EVERY,
        patience: int = WATCH_PATIENCE,
        after: int = 0,
    ) -> None:
        self.every, self.patience, self.after = every, patience, after
        self._state: dict[str, float] = {}
        self._last: tuple[nn.Module, torch.Tensor, torch.Tensor, torch.Tensor] | None = None
        metric = getattr(objective, "metric", None)
        if isinstance(metric, nn.Module) and hasattr(metric, "margin"):
            metric.register_forward_hook(self._remember)

    def see(self, step: int, embeddings: torch.Tensor) -> CollapsedError | None:
        """Look at the embeddings of a step.

        Args:
            step: 0-based.
            embeddings: (B, D).

        Returns:
            What to say when a sign has held long enough for the first time.
        """
        if step % self.every or len(embeddings) < 2:
            return None
        found = ""
        for sign, sentence in self._signs(embeddings).items():
            count = self._state.get(sign, 0) + 1 if sentence and step >= self.after else 0
            self._state[sign] = count
            if count >= self.patience and not found:
                found = sentence
        if not found or self._state.get("warned"):
            return None
        self._state["warned"] = 1
        return CollapsedError(
            f"{found}, for {self.patience * self.every} steps up to step {step}.",
            remedy=_REMEDY,
            step=step,
        )

    def state_dict(self) -> dict[str, float]:
        """What the watch remembers, for a checkpoint."""
        return dict(self._state)

    def load_state_dict(self, state: dict[str, float]) -> None:
        """Take back what ``state_dict`` returned."""
        self._state = dict(state)

    def _remember(
        self, metric: nn.Module, inputs: tuple[torch.Tensor, ...], loss: torch.Tensor
    ) -> None:
        embeddings, labels = inputs[:2]  # (a memory may follow)
        self._last = metric, embeddings.detach(), labels, loss.detach()

    @torch.no_grad()
    def _signs(self, embeddings: torch.Tensor) -> dict[str, str]:
        """Each sign with its sentence, empty where it does not show."""
        unit = F.normalize(embeddings.float(), dim=1)
        cosine, spread = mean_cosine(unit), float(unit.std(dim=0).median())
        first = self._state.setdefault("first_spread", spread)
        return {
            "alike": f"The embeddings of a batch are all alike (mean cosine {cosine:.3f})"
            if cosine > COLLAPSED_COSINE
            else "",
            "narrow": f"The embeddings' dimensions vary {spread / first:.1%} of what they did"
            if spread < COLLAPSED_SPREAD * first
            else "",
            "stuck": self._stuck(),
        }

    def _stuck(self) -> str:
        if self._last is None:
            return ""
        metric, embeddings, labels, tensor = self._last
        loss = float(tensor)
        # Called past the hook.
        at_rest = float(metric.forward(torch.ones_like(embeddings), labels))
        return (
            f"The metric loss stays at {loss:.4f}, which is what equal vectors give"
            if at_rest > 0 and abs(loss - at_rest) <= STUCK_WITHIN * at_rest
            else ""
        )


def mean_cosine(unit: torch.Tensor) -> float:
    """Mean cosine over all pairs of different rows of (B, D) unit vectors, B >= 2."""
    n = len(unit)
    return float((unit.sum(dim=0).square().sum() - n) / (n * (n - 1)))


@contextmanager
def reporting_divergence(
    run_dir: Path, crops: NDArray[np.float32], items: Sequence[PackItem], *, learning_rate: float
) -> Iterator[None]:
    """Where the body diverges, write down its batch and say where to go on from.

    Writes ``diverged.json`` and a contact sheet ``diverged.png``; checkpoints are not touched.

    Args:
        run_dir: the run.
        crops: (B, S, S, 3) float32, in the net's scale.
        items: B items of the pack.
        learning_rate: of the step.

    Raises:
        DivergedError: the body did, with what was found out.
    """
    try:
        yield
    except DivergedError as error:
        files = [f"{item.source}/{item.file}" for item in items]
        raise _report(error, run_dir, crops, files, learning_rate) from error


def _report(
    error: DivergedError,
    run_dir: Path,
    crops: NDArray[np.float32],
    files: Sequence[str],
    learning_rate: float,
) -> DivergedError:
    last = run_dir / LAST_NAME
    broken = [name for name, crop in zip(files, crops, strict=True) if not np.isfinite(crop).all()]
    facts = error.details | {
        "learning_rate": learning_rate,
        "last_checkpoint": last.name if last.exists() else None,
        "not_finite": broken,
        "images": list(files),
    }
    # A full disk must not hide what happened.
    with suppress(OSError, ImageWriteError):
        text = json.dumps({key: _plain(value) for key, value in facts.items()}, indent=1)
        (run_dir / "diverged.json").write_text(text + "\n", encoding="utf-8")
        write_image(run_dir / "diverged.png", contact_sheet(crops))
    culprit = f" The image {broken[0]} holds no numbers." if broken else ""
    good = (
        f"The last good checkpoint is {last}: start a new run --from it"
        if last.exists()
        else "There is no checkpoint yet: start again"
    )
    return DivergedError(
        f"{error.message}{culprit} Its batch is in {run_dir / 'diverged.json'}.",
        remedy=f"{good}, with a lower optimizer.learning_rate.",
        **facts,
    )


def contact_sheet(crops: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Lay out a batch as one picture.

    Args:
        crops: (B, S, S, 3) float32, in the net's scale; pixels may be no numbers.

    Returns:
        (H, W, 3) uint8 RGB: rows of small crops, as many as there are columns or one less.
    """
    columns = int(np.ceil(np.sqrt(len(crops))))
    rows = -(-len(crops) // columns)
    side = CONTACT_SIDE_PX
    sheet = np.full((rows * side, columns * side, 3), 255, np.uint8)
    for place, crop in enumerate(crops):
        finite = np.isfinite(crop).all(axis=2, keepdims=True)
        pixels = np.clip(np.nan_to_num(crop) * 127.5 + 127.5, 0, 255).astype(np.uint8)
        pixels = np.where(finite, pixels, np.array(NO_NUMBER_RGB, np.uint8))
        top, left = place // columns * side, place % columns * side
        small = cv2.resize(pixels, (side, side), interpolation=cv2.INTER_AREA)
        sheet[top : top + side, left : left + side] = small
    return sheet


def _plain(value: object) -> object:
    """JSON knows no infinity and no NaN: they become words."""
    return str(value) if isinstance(value, float) and not np.isfinite(value) else value
