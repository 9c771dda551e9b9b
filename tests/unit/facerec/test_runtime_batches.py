"""Several batches side by side give what each alone would have given."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from facerec.runtime import MAX_WAITING_BATCHES, open_session

GRAPH = Path(__file__).resolve().parents[3] / "models" / "mtcnn-r.onnx"


def batches(n: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.uniform(0, 255, (1 + k % 3, 3, 24, 24)).astype(np.float32) for k in range(n)]


@pytest.mark.parametrize("n_streams", [0, 1, 2])
@pytest.mark.parametrize("n", [0, 1, 5, MAX_WAITING_BATCHES, 2 * MAX_WAITING_BATCHES + 3])
def test_each_batch_gets_its_own_result_in_order(n: int, n_streams: int) -> None:
    session = open_session(GRAPH, n_threads=2, n_streams=n_streams)

    results = session.run_each(batch for batch in batches(n))

    assert len(results) == n
    for (result,), batch in zip(results, batches(n), strict=True):
        np.testing.assert_allclose(result, session.run(batch)[0], atol=1e-5)


def test_results_outlive_the_next_run() -> None:
    session = open_session(GRAPH, n_streams=0)
    first, second = batches(2)
    (kept,) = session.run_each([first])[0]
    before = kept.copy()

    session.run_each([second])

    assert (kept == before).all()


def test_session_stays_usable_when_making_a_batch_fails() -> None:
    session = open_session(GRAPH, n_streams=0)

    def failing() -> Iterator[np.ndarray]:
        yield batches(1)[0]
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        session.run_each(failing())

    assert len(session.run_each(batches(3))) == 3


@pytest.mark.parametrize(("n_threads", "n_streams", "expected"), [(2, 0, 2), (3, 8, 3), (2, 1, 1)])
def test_there_are_no_more_streams_than_threads(n_threads, n_streams, expected) -> None:
    assert open_session(GRAPH, n_threads=n_threads, n_streams=n_streams).n_streams == expected
