"""Thresholds for a card, set on people that were held out from training; never on LFW."""

from __future__ import annotations

import datetime
from collections.abc import Collection
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from training.checkpoint import load_checkpoint
from training.data.pack import CropPack
from training.errors import ExportError
from training.train import build_net, embed_rows

# Thresholds on the card are set at these false match rates, the first one being the default.
CARD_FMRS = (1e-3, 1e-2, 1e-4)
# A rate needs about this many expected errors to be worth printing.
MIN_EXPECTED_ERRORS = 10


def held_out_thresholds(
    checkpoint_path: Path, pack: CropPack, sources: Collection[str] = ()
) -> list[dict[str, object]]:
    """Set the card's Thresholds on held-out people.

    Comparisons are between different people of one source, since people of different sources are
    told apart by their pictures' style alone.

    Args:
        checkpoint_path: whose averaged weights are judged.
        pack: with held-out people.
        sources: names of the sources to take; all of them when empty. A source in which one person
            goes by several labels does not measure false matches and should be left out.

    Returns:
        One table a false match rate that the comparisons can measure, the default first.
    """
    checkpoint = load_checkpoint(checkpoint_path)
    net = build_net(checkpoint.recipe.net)
    net.load_state_dict(checkpoint.average)
    rows = threshold_rows(pack, sources)
    return thresholds_of(
        pack, rows, embed_rows(net, pack, rows, torch.float32, torch.device("cpu"))
    )


def threshold_rows(pack: CropPack, sources: Collection[str] = ()) -> NDArray[np.int64]:
    """Return (M,) positions of the held-out people that Thresholds are set on.

    Args:
        pack: with held-out people.
        sources: names of the sources to take; all of them when empty.

    Raises:
        ExportError: there is nobody.
    """
    held = np.flatnonzero(pack.held_out)
    rows = np.array([r for r in held if not sources or pack.items[r].source in sources], np.int64)
    if not len(rows):
        raise ExportError(
            "There is nobody to set the thresholds on.",
            remedy="Use a pack with people that were held out, of the sources named.",
        )
    return rows


def thresholds_of(
    pack: CropPack, rows: NDArray[np.int64], vectors: NDArray[np.float32]
) -> list[dict[str, object]]:
    """Set Thresholds on the vectors of held-out people, see ``held_out_thresholds``.

    Args:
        pack: the pack.
        rows: (M,) positions of the people.
        vectors: (M, D) float32 of unit length.
    """
    names = np.array([pack.items[row].source for row in rows])
    # Members of one family look alike and labels there are uncertain: the group is the person here,
    # so relatives are left out of the comparisons that set a Threshold.
    groups = np.array([pack.items[row].group for row in rows])
    scores = []
    for source in np.unique(names):
        chosen = names == source
        part = vectors[chosen]
        upper = np.triu_indices(len(part), 1)
        different = (groups[chosen][:, None] != groups[chosen][None, :])[upper]
        scores.append((part @ part.T)[upper][different])
    non_mated = np.sort(np.concatenate(scores))
    today = datetime.datetime.now(tz=datetime.UTC).date().isoformat()
    points: list[dict[str, object]] = []
    for fmr in CARD_FMRS:
        allowed = int(fmr * len(non_mated))
        if allowed < MIN_EXPECTED_ERRORS:
            continue
        # The smallest float32 above the first score that must be refused; inclusive.
        threshold = float(np.nextafter(non_mated[-1 - allowed], np.float32(1)))
        points.append(
            {
                "score": round(threshold, 5),
                "fmr": fmr,
                "comparisons": len(non_mated),
                "dataset": f"people held out from training: {', '.join(np.unique(names))}",
                "date": today,
            }
        )
    return points
