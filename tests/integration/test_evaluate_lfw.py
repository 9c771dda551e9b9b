"""The default network on Labeled Faces in the Wild, where the images are at hand."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from facerec.evaluate.pairs import PairList, find_lfw, read_pairs
from facerec.evaluate.verification import score_pairs, verify_pairs
from facerec.services.evaluate import EvaluateOptions, evaluate_lfw

ROOT = Path(__file__).resolve().parents[2]
N_QUICK = 25

pytestmark = pytest.mark.lfw


@pytest.fixture(scope="module")
def lfw() -> Path:
    folder = Path(os.environ.get("FACEREC_LFW") or ROOT.parent / "shared" / "data" / "lfw")
    if not (folder / "pairs.txt").is_file():
        pytest.skip("LFW is not here: set FACEREC_LFW to a folder with its pairs.txt and images.")
    return find_lfw(folder)


def test_the_list_is_that_of_view_2_and_every_image_is_there(lfw: Path) -> None:
    pairs = read_pairs(lfw / "pairs.txt")
    same = np.array([pair.same for pair in pairs.pairs]).reshape(10, 600)
    assert pairs.n_folds == 10
    assert same[:, :300].all()
    assert not same[:, 300:].any()
    assert [pair.fold for pair in pairs.pairs] == np.repeat(np.arange(10), 600).tolist()
    assert len(pairs.images()) == 7701


def test_some_pairs_of_the_first_fold_are_told_apart(lfw: Path) -> None:
    from facerec.evaluate.acquire import acquire
    from facerec.pipeline import open_pipeline

    pairs = read_pairs(lfw / "pairs.txt")
    some = PairList(pairs.source, pairs.pairs[:N_QUICK] + pairs.pairs[300 : 300 + N_QUICK], 1)
    pipeline = open_pipeline()
    acquired = acquire(some.images(), pipeline.detector, pipeline.embedder)
    result = verify_pairs(score_pairs(some, acquired))
    assert acquired.failures == {}
    assert result.auc > 0.98
    # The vectors are those of the pipeline itself, one image after the other.
    from facerec.imaging.read import read_image

    (face, *_) = pipeline.analyze(read_image(some.pairs[0].a))
    row = acquired.paths.index(some.pairs[0].a)
    assert acquired.n_faces[row] == 1
    assert float(face.embedding.vector @ acquired.vectors[row]) > 0.9999


@pytest.mark.slow
def test_the_default_network_reaches_98_percent_without_mirror(lfw: Path) -> None:
    options = EvaluateOptions(mirror=False, use_cache=False, with_images=False)
    evaluation = evaluate_lfw(lfw, options, now=datetime.now(UTC))
    assert evaluation.payload["accuracy"] >= 0.98
