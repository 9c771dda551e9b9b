"""Compiled code against the inference runtime, numpy and itself."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facerec.bench.detect import ten_face_frame
from facerec.detect import native, nms
from facerec.detect.mtcnn import MtcnnDetector
from facerec.detect.native import available_kinds
from facerec.detect.native.stages import NativeStages
from facerec.detect.pyramid import plan_pyramid
from facerec.detect.sampling import Sums
from facerec.detect.stages import RuntimeStages
from facerec.errors import ConfigError, DependencyError, WeightsCorruptError
from facerec.zoo import find_model, verified_path

needs_compiled_code = pytest.mark.skipif(
    not available_kinds(), reason="no compiled code for this machine"
)
KINDS = available_kinds()


def net_paths() -> list:
    card = find_model("mtcnn", task="detect")
    return [verified_path(card, entry.file) for entry in card.files]


@pytest.fixture(scope="module")
def runtime() -> RuntimeStages:
    return RuntimeStages(net_paths(), device="cpu", n_threads=0)


@pytest.fixture(scope="module", params=KINDS)
def stages(request) -> NativeStages:
    return NativeStages(net_paths(), kind=request.param, n_threads=2)


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def random_boxes(image_hw: tuple[int, int], n: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    size = np.array(image_hw[::-1])
    first = rng.integers(0, size, (n, 2))
    end = rng.integers(first + 1, size + 1)
    return np.concatenate([first, end], axis=1).astype(np.int32)


@needs_compiled_code
@pytest.mark.parametrize(
    "image_hw",
    [
        pytest.param((12, 12), id="one cell"),
        pytest.param((13, 12), id="an odd side"),
        pytest.param((31, 33), id="two odd sides"),
        pytest.param((12, 900), id="long"),
        pytest.param((900, 13), id="high"),
        pytest.param((250, 250), id="a photograph's size"),
        pytest.param((700, 500), id="several shares of work"),
    ],
)
def test_proposals_are_those_of_the_runtime(stages, runtime, image_hw) -> None:
    sums = Sums.of(noise(*image_hw))
    pyramid = plan_pyramid(image_hw, min_face_px=12, factor=0.709)

    maps = stages.propose(sums, pyramid)

    assert maps.shape == (5, pyramid.n_cells)
    np.testing.assert_allclose(maps, runtime.propose(sums, pyramid), atol=1e-4)


@needs_compiled_code
@pytest.mark.parametrize("n", [0, 1, 2, 7, 8, 9, 16, 17, 60])
def test_looks_at_boxes_are_those_of_the_runtime(stages, runtime, n: int) -> None:
    sums = Sums.of(noise(70, 90))
    boxes = random_boxes(sums.image_hw, n, seed=n)

    for look in ("refine", "decide"):
        results = getattr(stages, look)(sums, boxes)
        np.testing.assert_allclose(results, getattr(runtime, look)(sums, boxes), atol=1e-4)


@needs_compiled_code
def test_every_kind_and_number_of_threads_gives_the_same_bits() -> None:
    sums = Sums.of(ten_face_frame())
    pyramid = plan_pyramid(sums.image_hw, min_face_px=40, factor=0.709)
    boxes = random_boxes(sums.image_hw, 21, seed=0)

    results = []
    for kind in KINDS:
        for n_threads in (1, 2, 5, 1000):
            some = NativeStages(net_paths(), kind=kind, n_threads=n_threads)
            looks = (
                some.propose(sums, pyramid),
                some.refine(sums, boxes),
                some.decide(sums, boxes),
            )
            results.append(b"".join(part.tobytes() for part in looks))

    assert len(set(results)) == 1


@needs_compiled_code
def test_memory_grows_with_the_image(stages, runtime) -> None:
    for width in (50, 2000, 60):
        sums = Sums.of(noise(40, width))
        pyramid = plan_pyramid(sums.image_hw, min_face_px=12, factor=0.709)
        boxes = random_boxes(sums.image_hw, 3, seed=1)

        maps = stages.propose(sums, pyramid)

        np.testing.assert_allclose(maps, runtime.propose(sums, pyramid), atol=1e-4)
        np.testing.assert_allclose(
            stages.decide(sums, boxes), runtime.decide(sums, boxes), atol=1e-4
        )


@needs_compiled_code
def test_a_file_that_holds_another_net_is_refused() -> None:
    p_net, r_net, _ = net_paths()

    with pytest.raises(WeightsCorruptError, match=r"mtcnn-r\.onnx"):
        NativeStages([p_net, r_net, r_net], kind=KINDS[0], n_threads=1)


@needs_compiled_code
@settings(max_examples=200)
@given(
    seed=st.integers(0, 10_000),
    n=st.integers(0, 80),
    threshold=st.sampled_from([0.0, 0.3, 0.5, 0.7, 1.0]),
    overlap=st.sampled_from(list(nms.Overlap)),
)
def test_suppression_is_that_of_numpy_to_the_last_bit(seed, n, threshold, overlap) -> None:
    rng = np.random.default_rng(seed)
    # Whole pixels and empty boxes, so that overlaps meet thresholds and 0 / 0 occurs.
    first = rng.integers(0, 12, (n, 2))
    boxes = np.concatenate([first, first + rng.integers(0, 12, (n, 2))], axis=1)
    boxes = boxes.astype(np.float32) / np.float32(rng.choice([1, 3, 7]))
    groups = rng.integers(0, 2, n)

    compiled = nms._greedy(native.library(), boxes, groups, threshold, overlap)

    assert compiled.tolist() == nms._greedy_in_blocks(boxes, groups, threshold, overlap).tolist()


def test_without_compiled_code_the_runtime_does_the_work(monkeypatch, tmp_path) -> None:
    frame = ten_face_frame()
    expected = MtcnnDetector().detect(frame)
    monkeypatch.setattr(native, "LIBRARY", tmp_path / "missing.so")
    native.library.cache_clear()
    try:
        detector = MtcnnDetector()
        faces = detector.detect(frame)
        with pytest.raises(DependencyError, match="compiled code"):
            MtcnnDetector(engine="native")
    finally:
        monkeypatch.undo()
        native.library.cache_clear()

    assert "compiled" not in detector.device
    assert len(faces) == len(expected) == 10
    for face, other in zip(faces, expected, strict=True):
        np.testing.assert_allclose(face.box_xyxy, other.box_xyxy, atol=0.01)
        np.testing.assert_allclose(face.landmarks, other.landmarks, atol=0.01)


def test_an_engine_of_another_name_is_refused() -> None:
    with pytest.raises(ConfigError, match="quick"):
        MtcnnDetector(engine="quick")
