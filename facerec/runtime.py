"""One inference session over one ONNX graph: device, threads, batching.

OpenVINO runs the nets on CPU and on Intel GPUs; ONNX Runtime runs them on NVIDIA GPUs when its
GPU build is installed. A device that is absent is an error, never a silent change to another. The
arithmetic is float32 on every machine, asked for explicitly, so that the same picture gives the
same vector whether or not the processor knows bf16.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from facerec.errors import DependencyError, DeviceError, WeightsCorruptError

DEFAULT_DEVICE = "cpu"


class InferenceSession(Protocol):
    """A loaded net.

    Attributes:
        device: what it really runs on, for example ``CPU (AMD EPYC ...)``.
    """

    device: str

    def run(self, batch: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """Run the net.

        Args:
            batch: (B, C, H, W) float32.

        Returns:
            The net's outputs in the graph's order, each with B as first dimension.
        """
        ...


def available_devices() -> tuple[str, ...]:
    """Names that ``open_session`` takes here, ``cpu`` first."""
    names = [name.lower() for name in _core().available_devices]
    if "CUDAExecutionProvider" in _onnxruntime_providers():
        names.append("cuda")
    return tuple(sorted(set(names), key=lambda name: (name != "cpu", name)))


def open_session(
    model: Path | bytes, *, device: str = DEFAULT_DEVICE, n_threads: int = 0
) -> InferenceSession:
    """Load an ONNX graph onto a device.

    Args:
        model: path of the .onnx file, or its bytes.
        device: ``cpu``, ``gpu`` (Intel), ``cuda`` (NVIDIA, with onnxruntime-gpu), as listed by
            ``available_devices``.
        n_threads: threads of one inference; 0 leaves it to the runtime (one per core).

    Raises:
        DeviceError: the device is not there.
        DependencyError: the device needs a package that is not installed.
        WeightsCorruptError: the file is no graph the runtime can load.
    """
    if device.lower().startswith("cuda"):
        return CudaSession(model, device=device.lower())
    return OpenVinoSession(model, device=device.upper(), n_threads=n_threads)


_shared_core: Any = None


def _core() -> Any:  # noqa: ANN401  (openvino.Core; the package ships no type marker)
    global _shared_core  # (starting a core costs tens of milliseconds)
    if _shared_core is None:
        import openvino

        _shared_core = openvino.Core()
    return _shared_core


class OpenVinoSession:
    """A graph compiled by OpenVINO.

    Attributes:
        device: name of the device, with the hardware's own name.
    """

    def __init__(self, model: Path | bytes, *, device: str = "CPU", n_threads: int = 0) -> None:
        core = _core()
        known = core.available_devices
        if device not in known:
            raise DeviceError(
                f"There is no device {device.lower()!r} here.",
                remedy=f"Devices here: {', '.join(name.lower() for name in known)}.",
            )
        config: dict[str, Any] = {
            "INFERENCE_PRECISION_HINT": "f32",
            "PERFORMANCE_HINT": "LATENCY",
        }
        if device == "CPU" and n_threads:
            config["INFERENCE_NUM_THREADS"] = n_threads
        try:
            graph = core.read_model(model if isinstance(model, bytes) else str(model))
            self._compiled = core.compile_model(graph, device, config)
        except RuntimeError as exc:
            raise WeightsCorruptError(
                "The model file cannot be loaded.", remedy="Install facerec again."
            ) from exc
        self._request = self._compiled.create_infer_request()
        self.device = f"{device} ({core.get_property(device, 'FULL_DEVICE_NAME').strip()})"

    def run(self, batch: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """See ``InferenceSession.run``."""
        results = self._request.infer([batch], share_inputs=True, share_outputs=False)
        return [np.asarray(value) for value in results.values()]


class CudaSession:
    """A graph on an NVIDIA GPU, run by ONNX Runtime.

    Attributes:
        device: name of the device.
    """

    def __init__(self, model: Path | bytes, *, device: str = "cuda") -> None:
        providers = _onnxruntime_providers()
        if not providers:
            raise DependencyError(
                "The device 'cuda' needs ONNX Runtime's GPU build.",
                remedy="Install it: pip install 'facerec[cuda]'.",
            )
        if "CUDAExecutionProvider" not in providers:
            raise DeviceError(
                "There is no CUDA device here.", remedy="Use --device cpu, or install its driver."
            )
        import onnxruntime

        index = int(device.partition(":")[2] or 0)
        self._session = onnxruntime.InferenceSession(
            model if isinstance(model, bytes) else str(model),
            providers=[("CUDAExecutionProvider", {"device_id": index, "use_tf32": 0})],
        )
        if "CUDAExecutionProvider" not in self._session.get_providers():
            raise DeviceError(
                "The CUDA device could not be started.",
                remedy="Check its driver with nvidia-smi, or use --device cpu.",
            )
        self._input = self._session.get_inputs()[0].name
        self.device = f"CUDA:{index}"

    def run(self, batch: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """See ``InferenceSession.run``."""
        return [np.asarray(value) for value in self._session.run(None, {self._input: batch})]


def _onnxruntime_providers() -> tuple[str, ...]:
    try:
        import onnxruntime
    except ImportError:
        return ()
    return tuple(onnxruntime.get_available_providers())
