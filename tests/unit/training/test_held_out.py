"""Held-out figures against plain loops."""

from pathlib import Path

import numpy as np
import pytest

from tests.helpers.training_packs import write_toy_pack
from training.held_out import held_out_figures


def test_figures_equal_loops(tmp_path: Path) -> None:
    pack = write_toy_pack(tmp_path, n_people=60, per_person=3)
    rng = np.random.default_rng(5)
    people = sorted({item.person for item in pack.items})
    centres = {p: rng.standard_normal(8) for p in people}
    vectors = np.array([centres[i.person] + 0.9 * rng.standard_normal(8) for i in pack.items])
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)

    (figures,) = held_out_figures(pack, lambda rows: vectors[rows])

    held = [r for r, item in enumerate(pack.items) if item.is_held_out]
    mated, non_mated = [], []
    for n, a in enumerate(held):
        for b in held[n + 1 :]:
            same = pack.items[a].person == pack.items[b].person
            (mated if same else non_mated).append(float(vectors[a] @ vectors[b]))
    limit = sorted(non_mated)[-1 - int(1e-3 * len(non_mated))]
    assert figures.tar == pytest.approx(np.mean([s > limit for s in mated]))
    best = max(
        (np.mean([s >= t for s in mated]) + np.mean([s < t for s in non_mated])) / 2
        for t in np.linspace(-1, 1, 2001)
    )
    assert figures.balanced_accuracy == pytest.approx(best, abs=2e-3)
    firsts: dict[str, int] = {}
    for row in held:
        firsts.setdefault(pack.items[row].person, row)
    probes = [row for row in held if row not in firsts.values()]
    hits = [
        max(firsts, key=lambda p: float(vectors[row] @ vectors[firsts[p]]))
        == pack.items[row].person
        for row in probes
    ]
    assert figures.rank1 == pytest.approx(np.mean(hits))
    assert figures.n_people == len(firsts)
