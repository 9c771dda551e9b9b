"""Inference sessions: what they compute, and which devices they refuse."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator

from facerec import runtime
from facerec.errors import DependencyError, DeviceError, WeightsCorruptError
from facerec.runtime import PixelInput, available_devices, open_session
from tests.helpers.fakes import write_toy_model

PIXELS = PixelInput("BGR", (100.0, 110.0, 120.0), (60.0, 61.0, 62.0))


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    return write_toy_model(tmp_path)


def random_batch(count: int = 3) -> np.ndarray[Any, Any]:
    return np.random.default_rng(0).integers(0, 256, (count, 112, 112, 3), dtype=np.uint8)


def normalised(batch: np.ndarray[Any, Any], order: str = "BGR") -> np.ndarray[Any, Any]:
    """By the definition, one channel of the net at a time."""
    planes = [
        (batch[..., "RGB".index(colour)].astype(np.float32) - PIXELS.mean[index])
        / PIXELS.std[index]
        for index, colour in enumerate(order)
    ]
    return np.stack(planes, axis=1).astype(np.float32)


def reference(graph: Path, batch: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.asarray(ReferenceEvaluator(str(graph)).run(None, {"crops": batch})[0])


def test_result_equals_the_reference_evaluator(graph: Path) -> None:
    batch = normalised(random_batch())

    (vectors,) = open_session(graph).run(batch)

    np.testing.assert_allclose(vectors, reference(graph, batch), atol=1e-5)


@pytest.mark.parametrize("order", ["RGB", "BGR"])
def test_pixels_are_normalised_inside(graph: Path, order: str) -> None:
    batch = random_batch()

    (vectors,) = open_session(graph, pixels=replace(PIXELS, colour=order)).run(batch)

    np.testing.assert_allclose(vectors, reference(graph, normalised(batch, order)), atol=1e-5)


def test_bytes_are_loaded_like_a_file(graph: Path) -> None:
    batch = random_batch(1)

    np.testing.assert_array_equal(
        open_session(graph.read_bytes(), pixels=PIXELS).run(batch)[0],
        open_session(graph, pixels=PIXELS).run(batch)[0],
    )


def test_shapes_are_known_before_running(tmp_path: Path) -> None:
    any_batch = write_toy_model(tmp_path / "any")
    one = write_toy_model(tmp_path / "one", batch=1)

    assert open_session(any_batch).input_shape == (-1, 3, 112, 112)
    assert open_session(any_batch, pixels=PIXELS).input_shape == (-1, 112, 112, 3)
    assert open_session(any_batch).output_shapes == ((-1, 16),)
    assert open_session(one, pixels=PIXELS).input_shape == (1, 112, 112, 3)
    assert open_session(one).output_shapes == ((1, 16),)


def test_unknown_rank_is_said_to_be_unknown() -> None:
    rank = SimpleNamespace(is_dynamic=True)

    assert runtime._openvino_shape(SimpleNamespace(partial_shape=SimpleNamespace(rank=rank))) == ()


def test_results_are_kept_when_the_session_runs_again(graph: Path) -> None:
    session = open_session(graph, pixels=PIXELS)
    batch = random_batch()

    (first,) = session.run(batch)
    before = first.copy()
    session.run(255 - batch)

    np.testing.assert_array_equal(first, before)


def test_several_threads_may_run_one_session(graph: Path) -> None:
    session = open_session(graph, pixels=PIXELS)
    batches = [random_batch(1 + index % 3) + np.uint8(index) for index in range(40)]
    expected = [session.run(batch)[0] for batch in batches]

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(session.run, batches))

    for (vectors,), by_itself in zip(results, expected, strict=True):
        np.testing.assert_allclose(vectors, by_itself, atol=1e-6)


def test_device_is_named_with_its_hardware(graph: Path) -> None:
    assert open_session(graph).device.startswith("CPU (")
    assert open_session(graph, device="CPU").device == open_session(graph, device="cpu").device


def test_cpu_is_the_first_device() -> None:
    assert available_devices()[0] == "cpu"


@pytest.mark.parametrize("device", ["npu7", "gpu.9", "cudagpu", "cuda:x", ""])
def test_absent_device_is_an_error_that_lists_the_others(graph: Path, device: str) -> None:
    with pytest.raises(DeviceError, match=r"no device.*Devices here: cpu"):
        open_session(graph, device=device)


@pytest.mark.parametrize("content", [b"no graph", b""])
def test_damaged_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "net.onnx").write_bytes(content)

    with pytest.raises(WeightsCorruptError, match="cannot be loaded"):
        open_session(tmp_path / "net.onnx")


def test_arithmetic_is_asked_for_in_float32(graph: Path) -> None:
    session: Any = open_session(graph)

    assert "float" in str(session._compiled.get_property("INFERENCE_PRECISION_HINT"))


def test_importing_the_runtime_loads_no_inference_library() -> None:
    code = (
        "import sys, facerec.runtime\n"
        "heavy = {'openvino', 'onnxruntime', 'torch'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )

    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert result.returncode == 0, result.stderr


def test_cores_are_counted_where_affinity_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    assert runtime.available_cores() >= 1

    monkeypatch.delattr("os.sched_getaffinity")
    monkeypatch.setattr("os.cpu_count", lambda: 6)
    assert runtime.available_cores() == 6


# --- NVIDIA: the program around ONNX Runtime, with a stand-in where no such GPU is ---


class PretendedGpu:
    """The part of ONNX Runtime's session that is used, computed by the reference evaluator."""

    providers_given: Any = None
    starts = True

    def __init__(self, model: str | bytes, providers: Any) -> None:
        type(self).providers_given = providers
        loaded = onnx.load_from_string(model) if isinstance(model, bytes) else onnx.load(model)
        self._graph = loaded.graph
        self._evaluator = ReferenceEvaluator(loaded)

    def get_providers(self) -> list[str]:
        return ["CUDAExecutionProvider"] if self.starts else ["CPUExecutionProvider"]

    def get_inputs(self) -> list[Any]:
        return [self._port(entry) for entry in self._graph.input]

    def get_outputs(self) -> list[Any]:
        return [self._port(entry) for entry in self._graph.output]

    def _port(self, entry: Any) -> Any:
        sizes = entry.type.tensor_type.shape.dim
        return SimpleNamespace(
            name=entry.name, shape=[size.dim_param or size.dim_value for size in sizes]
        )

    def run(self, names: None, feeds: dict[str, Any]) -> Any:
        return self._evaluator.run(names, feeds)


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> type[PretendedGpu]:
    class Gpu(PretendedGpu):
        pass

    module = SimpleNamespace(
        InferenceSession=Gpu,
        get_available_providers=lambda: ["CUDAExecutionProvider", "CPUExecutionProvider"],
    )
    monkeypatch.setitem(sys.modules, "onnxruntime", module)  # type: ignore[arg-type]
    return Gpu


def test_gpu_is_listed_after_the_cpu(gpu: type[PretendedGpu]) -> None:
    devices = available_devices()

    assert devices[0] == "cpu"
    assert "cuda" in devices


@pytest.mark.parametrize(("device", "index"), [("cuda", 0), ("CUDA:1", 1)])
def test_gpu_gives_what_the_cpu_gives(
    graph: Path, gpu: type[PretendedGpu], device: str, index: int
) -> None:
    batch = random_batch()

    session = open_session(graph, device=device, pixels=PIXELS)

    assert session.device == f"CUDA:{index}"
    assert gpu.providers_given[0][1] == {"device_id": index, "use_tf32": 0}
    assert session.input_shape == (-1, 112, 112, 3)
    assert session.output_shapes == ((-1, 16),)
    expected = open_session(graph, pixels=PIXELS).run(batch)[0]
    np.testing.assert_allclose(session.run(batch)[0], expected, atol=1e-5)


def test_gpu_takes_planes_and_rgb_too(graph: Path, gpu: type[PretendedGpu]) -> None:
    session = open_session(graph, device="cuda")
    rgb = open_session(graph, device="cuda", pixels=PixelInput("RGB", (0.0,) * 3, (1.0,) * 3))
    batch = random_batch()

    assert session.input_shape == (-1, 3, 112, 112)
    np.testing.assert_allclose(
        session.run(batch.transpose(0, 3, 1, 2).astype(np.float32))[0],
        rgb.run(batch)[0],
        atol=1e-3,
    )


def test_gpu_that_does_not_start_is_an_error(graph: Path, gpu: type[PretendedGpu]) -> None:
    gpu.starts = False

    with pytest.raises(DeviceError, match="could not be started"):
        open_session(graph, device="cuda")


def test_damaged_file_is_refused_on_the_gpu(gpu: type[PretendedGpu]) -> None:
    with pytest.raises(WeightsCorruptError, match="cannot be loaded"):
        open_session(b"no graph", device="cuda")


def test_missing_gpu_is_an_error(graph: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = SimpleNamespace(get_available_providers=lambda: ["CPUExecutionProvider"])
    monkeypatch.setitem(sys.modules, "onnxruntime", module)  # type: ignore[arg-type]

    with pytest.raises(DeviceError, match="no CUDA device"):
        open_session(graph, device="cuda")


def test_missing_gpu_build_names_what_to_install(
    graph: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)

    assert "cuda" not in available_devices()
    with pytest.raises(DependencyError, match=r"pip install 'facerec\[cuda\]'"):
        open_session(graph, device="cuda")


def test_converter_that_is_loaded_already_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    converter: Any = SimpleNamespace()
    monkeypatch.setitem(sys.modules, "openvino.tools.ovc", converter)

    assert hasattr(runtime._openvino(), "Core")
    assert sys.modules["openvino.tools.ovc"] is converter


def test_converter_can_be_imported_afterwards() -> None:
    runtime._openvino()

    assert sys.modules.get("openvino.tools.ovc", "absent") is not None
