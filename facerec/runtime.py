"""One inference session over one ONNX graph: device, threads, batching.

OpenVINO runs the nets on CPU and on Intel GPUs; ONNX Runtime runs them on NVIDIA GPUs when its
GPU build is installed. A device that is absent is an error, never a silent change to another. The
arithmetic is float32 on every machine, asked for explicitly, so that the same picture gives the
same vector whether or not the processor knows bf16.
"""

from __future__ import annotations

import os
import re
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from facerec.errors import DependencyError, DeviceError, WeightsCorruptError

DEFAULT_DEVICE = "cpu"
_CUDA_DEVICE = re.compile(r"cuda(?::\d{1,2})?")


@dataclass(frozen=True, slots=True)
class PixelInput:
    """Asks for a session that takes pixels and normalises them itself: ``(x - mean) / std``.

    Attributes:
        colour: channel order the net takes, ``RGB`` or ``BGR``; pixels always come in as RGB.
        mean: per channel of the net, on the 0..255 scale.
        std: per channel of the net, on the 0..255 scale.
    """

    colour: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


class InferenceSession(Protocol):
    """A loaded net; one thread at a time goes through it, others wait.

    Attributes:
        device: what it really runs on, for example ``CPU (AMD EPYC ...)``.
        input_shape: of the only input, as ``run`` takes it; -1 where any size goes.
        output_shapes: one per output; -1 where the size follows from the input,
            () where even the number of dimensions does.
    """

    device: str
    input_shape: tuple[int, ...]
    output_shapes: tuple[tuple[int, ...], ...]

    def run(self, batch: NDArray[np.float32] | NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        """Run the net.

        Args:
            batch: (B, C, H, W) float32; with a ``PixelInput``: (B, H, W, 3) uint8, RGB.

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
    model: Path | bytes,
    *,
    device: str = DEFAULT_DEVICE,
    n_threads: int = 0,
    pixels: PixelInput | None = None,
) -> InferenceSession:
    """Load an ONNX graph onto a device.

    Args:
        model: path of the .onnx file, or its bytes.
        device: ``cpu``, ``gpu`` (Intel), ``cuda`` (NVIDIA, with onnxruntime-gpu), as listed by
            ``available_devices``.
        n_threads: threads in all; 0 leaves it to the runtime (one per core).
        pixels: when given, the session takes uint8 pixels and normalises them itself.

    Raises:
        DeviceError: the device is not there.
        DependencyError: the device needs a package that is not installed.
        WeightsCorruptError: the file is no graph the runtime can load.
    """
    if _CUDA_DEVICE.fullmatch(device.lower()):
        return CudaSession(model, device=device.lower(), pixels=pixels)
    return OpenVinoSession(model, device=device.upper(), n_threads=n_threads, pixels=pixels)


def graph_constants(model: Path) -> dict[str, NDArray[np.float32]]:
    """Read the float32 numbers stored in an ONNX graph, by their names.

    Raises:
        WeightsCorruptError: the file is no graph.
    """
    try:
        graph = _core().read_model(str(model))
    except RuntimeError as exc:
        raise WeightsCorruptError(
            "The model file cannot be loaded.", remedy="Install facerec again."
        ) from exc
    return {
        node.get_friendly_name(): np.array(node.data, dtype=np.float32)
        for node in graph.get_ops()
        if node.get_type_name() == "Constant" and node.get_element_type().get_type_name() == "f32"
    }


_shared_core: Any = None
_core_lock = threading.Lock()


def _core() -> Any:  # noqa: ANN401  (openvino.Core; the package ships no type marker)
    global _shared_core  # (starting a core costs tens of milliseconds)
    with _core_lock:
        if _shared_core is None:
            _shared_core = _openvino().Core()
    return _shared_core


def _openvino() -> Any:  # noqa: ANN401
    """Import openvino without its model converter.

    The converter takes as long to import as all the rest and brings a telemetry package with it;
    openvino does without it when it cannot be imported.
    """
    converter = "openvino.tools.ovc"
    hidden = converter not in sys.modules
    if hidden:
        sys.modules[converter] = None  # type: ignore[assignment]  # (how Python bars an import)
    try:
        import openvino
    finally:
        if hidden:
            del sys.modules[converter]
    return openvino


class OpenVinoSession:
    """A graph compiled by OpenVINO.

    Attributes:
        device: name of the device, with the hardware's own name.
        input_shape: see ``InferenceSession``.
        output_shapes: see ``InferenceSession``.
    """

    def __init__(
        self,
        model: Path | bytes,
        *,
        device: str = "CPU",
        n_threads: int = 0,
        pixels: PixelInput | None = None,
    ) -> None:
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
        if device == "CPU":
            # Threads tied to a core get into each other's way when several nets take turns.
            config["ENABLE_CPU_PINNING"] = False
            if n_threads:
                config["INFERENCE_NUM_THREADS"] = n_threads
        try:
            graph = core.read_model(model if isinstance(model, bytes) else str(model))
            if pixels is not None:
                graph = _with_pixel_input(graph, pixels)
            self._compiled = core.compile_model(graph, device, config)
        except RuntimeError as exc:
            raise WeightsCorruptError(
                "The model file cannot be loaded.", remedy="Install facerec again."
            ) from exc
        self._request = self._compiled.create_infer_request()
        self._lock = threading.Lock()  # (a busy request refuses a second caller)
        self.device = f"{device} ({core.get_property(device, 'FULL_DEVICE_NAME').strip()})"
        self.input_shape = _openvino_shape(self._compiled.inputs[0])
        self.output_shapes = tuple(_openvino_shape(port) for port in self._compiled.outputs)

    def run(self, batch: NDArray[np.float32] | NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        """See ``InferenceSession.run``."""
        with self._lock:
            results = self._request.infer([batch], share_inputs=True, share_outputs=False)
        return [np.asarray(value) for value in results.values()]


def available_cores() -> int:
    """Processor cores this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # (Linux only)
        return os.cpu_count() or 1


def _with_pixel_input(graph: Any, pixels: PixelInput) -> Any:  # noqa: ANN401  (openvino.Model)
    """Put conversion, channel order and normalisation in front of a graph that takes NCHW."""
    from openvino import Layout, Type
    from openvino.preprocess import ColorFormat, PrePostProcessor

    processor = PrePostProcessor(graph)
    entry = processor.input()
    entry.tensor().set_element_type(Type.u8).set_layout(Layout("NHWC"))
    entry.tensor().set_color_format(ColorFormat.RGB)
    entry.model().set_layout(Layout("NCHW"))
    steps = entry.preprocess().convert_element_type(Type.f32)
    if pixels.colour == "BGR":
        steps.convert_color(ColorFormat.BGR)
    steps.mean(list(pixels.mean)).scale(list(pixels.std))
    return processor.build()


def _openvino_shape(port: Any) -> tuple[int, ...]:  # noqa: ANN401  (openvino.ConstOutput)
    if port.partial_shape.rank.is_dynamic:
        return ()
    return tuple(-1 if size.is_dynamic else size.get_length() for size in port.partial_shape)


class CudaSession:
    """A graph on an NVIDIA GPU, run by ONNX Runtime.

    Attributes:
        device: name of the device.
        input_shape: see ``InferenceSession``.
        output_shapes: see ``InferenceSession``.
    """

    def __init__(
        self, model: Path | bytes, *, device: str = "cuda", pixels: PixelInput | None = None
    ) -> None:
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
        try:
            self._session = onnxruntime.InferenceSession(
                model if isinstance(model, bytes) else str(model),
                providers=[("CUDAExecutionProvider", {"device_id": index, "use_tf32": 0})],
            )
        except Exception as exc:  # (its errors have no base class of their own)
            raise WeightsCorruptError(
                "The model file cannot be loaded.", remedy="Install facerec again."
            ) from exc
        if "CUDAExecutionProvider" not in self._session.get_providers():
            raise DeviceError(
                "The CUDA device could not be started.",
                remedy="Check its driver with nvidia-smi, or use --device cpu.",
            )
        entry = self._session.get_inputs()[0]
        self._input = entry.name
        self._pixels = pixels
        self.device = f"CUDA:{index}"
        shape = _onnx_shape(entry.shape)
        if pixels is not None:
            batch, channels, height, width = shape
            shape = (batch, height, width, channels)
        self.input_shape = shape
        self.output_shapes = tuple(_onnx_shape(port.shape) for port in self._session.get_outputs())

    def run(self, batch: NDArray[np.float32] | NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        """See ``InferenceSession.run``."""
        if self._pixels is not None:
            batch = normalised_from_pixels(batch, self._pixels)
        return [np.asarray(value) for value in self._session.run(None, {self._input: batch})]


def normalised_from_pixels(
    batch: NDArray[np.uint8] | NDArray[np.float32], pixels: PixelInput
) -> NDArray[np.float32]:
    """Do in numpy what OpenVINO does inside the graph.

    Args:
        batch: (B, H, W, 3), RGB, 0..255.
        pixels: channel order, mean and std of the net.

    Returns:
        (B, 3, H, W) float32, contiguous.
    """
    channels = batch[..., ::-1] if pixels.colour == "BGR" else batch
    mean = np.array(pixels.mean, dtype=np.float32)
    std = np.array(pixels.std, dtype=np.float32)
    values = (channels.astype(np.float32) - mean) / std
    return np.ascontiguousarray(values.transpose(0, 3, 1, 2))


def _onnx_shape(shape: list[int | str | None]) -> tuple[int, ...]:
    return tuple(size if isinstance(size, int) else -1 for size in shape)


def _onnxruntime_providers() -> tuple[str, ...]:
    try:
        import onnxruntime
    except ImportError:
        return ()
    return tuple(onnxruntime.get_available_providers())
