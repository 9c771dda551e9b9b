"""Held-out figures against plain loops."""

from pathlib import Path

import numpy as np
import pytest

from tests.helpers.fakes import write_toy_model
from tests.helpers.training_packs import write_toy_pack
from training.beside_teachers import judge_beside_teachers, table_of
from training.data.targets import Teacher, cached_teacher_vectors
from training.held_out import held_out_figures, share_interval


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
    for counts, scores in ((figures.scores.mated, mated), (figures.scores.non_mated, non_mated)):
        assert len(counts) == 70
        assert sum(counts) == len(scores)
        for at in (0, 20, 45, 60):
            low, high = -0.4 + 0.02 * at, -0.4 + 0.02 * (at + 1)
            wanted = sum((low <= s or at == 0) and s < high for s in scores)
            assert counts[at] == pytest.approx(wanted, abs=1)


def test_interval_of_one_crop_a_person_is_the_binomial_one() -> None:
    rng = np.random.default_rng(3)
    hits = rng.random(900) < 0.8

    low, high = share_interval(hits, np.arange(900))

    share, wide = hits.mean(), 1.96 * np.sqrt(0.16 / 900)
    assert low == pytest.approx(share - wide, abs=0.004)
    assert high == pytest.approx(share + wide, abs=0.004)


def test_interval_knows_that_crops_of_one_person_go_together() -> None:
    person = np.repeat(np.arange(30), 30)
    hits = person % 5 != 0  # whole people are missed

    low, high = share_interval(hits, person)
    apart = share_interval(np.random.default_rng(0).permutation(hits), np.arange(900))

    assert high - low > 3 * (apart[1] - apart[0])


def test_a_network_stands_beside_its_teachers(tmp_path: Path) -> None:
    pack = write_toy_pack(tmp_path / "pack", n_people=40, per_person=4, side=112)
    teacher = Teacher(
        str(write_toy_model(tmp_path / "teacher")), 1.0, "RGB", (120.0,) * 3, (60.0,) * 3
    )
    own = np.random.default_rng(0).standard_normal((len(pack), 16)).astype(np.float32)
    own /= np.linalg.norm(own, axis=1, keepdims=True)

    judged = judge_beside_teachers(pack, "mine", lambda rows: own[rows], [teacher])

    theirs = cached_teacher_vectors(pack, teacher)
    assert judged[0].figures == tuple(held_out_figures(pack, lambda rows: own[rows]))
    assert judged[1].figures == tuple(held_out_figures(pack, lambda rows: theirs[rows]))
    head, first, second = table_of(judged)
    assert len(head) == len(first) == len(second)
    difference = 100 * (judged[0].figures[0].rank1 - judged[1].figures[0].rank1)
    assert (first[3], first[6]) == ("mine", f"{difference:+.1f}")
    assert (second[3], second[6]) == ("toy", f"{-difference:+.1f}")
