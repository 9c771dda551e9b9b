"""The three MTCNN nets: weights inside the facenet-pytorch wheel -> ONNX files of ``models/``.

Nothing is trained. The nets are rewritten so that the cascade has less to do, without changing what
they compute beyond rounding:

* pixels go in as they are (RGB, 0..255, channels last), ``(x - 127.5) / 128`` being folded into the
  first layer;
* the two-class softmax becomes one logit, ``face - not face``, whose sigmoid is the probability;
* all heads of a net are one layer, so that each net has one output;
* the transposition before the first dense layer is folded into its weights.

Must not know: images, boxes, thresholds.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from facerec.errors import DependencyError

Weights = Mapping[str, NDArray[np.float32]]
Setting = int | list[int]

PACKAGE = "facenet-pytorch"
# The release the committed files were made from; its weights have never changed since 2.0.
PACKAGE_VERSION = "2.5.3"
# Old enough for every runtime in use, new enough for PRelu with broadcast slopes.
OPSET = 13
IR_VERSION = 8
# (x - 127.5) * 0.0078125, as the reference prepares its pixels.
PIXEL_MEAN = 127.5
PIXEL_SCALE = 0.0078125


def export_mtcnn(folder: Path) -> list[Path]:
    """Write ``mtcnn-p.onnx``, ``mtcnn-r.onnx`` and ``mtcnn-o.onnx``, the same bytes every time.

    Args:
        folder: where to; made when it is not there.

    Returns:
        The three paths, in the order of the cascade.

    Raises:
        DependencyError: facenet-pytorch is not installed.

    Reference:
        Zhang et al. 2016, IEEE SPL 23(10):1499-1503. Weights: facenet-pytorch 2.5.3, MIT licence.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for letter, build in (("p", p_net_graph), ("r", r_net_graph), ("o", o_net_graph)):
        path = folder / f"mtcnn-{letter}.onnx"
        partial = path.with_suffix(".part")
        with partial.open("wb") as stream:
            stream.write(build(read_weights(f"{letter}net")).SerializeToString(deterministic=True))
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
        paths.append(path)
    return paths


def read_weights(net: str) -> Weights:
    """Read one net's weights from the installed facenet-pytorch.

    Args:
        net: ``pnet``, ``rnet`` or ``onet``.

    Raises:
        DependencyError: facenet-pytorch is not installed.
    """
    spec = find_spec("facenet_pytorch")  # (found, not imported: its import takes seconds)
    if spec is None or spec.origin is None:
        raise DependencyError(
            "The MTCNN weights come from the facenet-pytorch package, which is not installed.",
            remedy="Install it: pip install 'facerec[train]'.",
        )
    file = Path(spec.origin).parent / "data" / f"{net}.pt"
    state = torch.load(file, map_location="cpu", weights_only=True)
    return {name: tensor.numpy().astype(np.float32) for name, tensor in state.items()}


def p_net_graph(weights: Weights) -> onnx.ModelProto:
    """Build P-Net: (B, H, W, 3) pixels -> (B, 5, h, w), one logit and four offsets per cell.

    Args:
        weights: arrays named and shaped as facenet-pytorch's ``PNet`` has them.
    """
    net = _Graph()
    net.convolution("conv1", *_folded_pixels(weights), slope=weights["prelu1.weight"])
    net.max_pool("pool1", kernel=2)
    net.convolution("conv2", *_pair(weights, "conv2"), slope=weights["prelu2.weight"])
    net.convolution("conv3", *_pair(weights, "conv3"), slope=weights["prelu3.weight"])
    net.convolution("heads", *_joined_heads(weights, "conv4_1", ["conv4_2"]))
    return net.model("mtcnn-p", side=None)


def r_net_graph(weights: Weights) -> onnx.ModelProto:
    """Build R-Net: (B, 24, 24, 3) pixels -> (B, 5), one logit and four offsets.

    Args:
        weights: arrays named and shaped as facenet-pytorch's ``RNet`` has them.
    """
    net = _Graph()
    net.convolution("conv1", *_folded_pixels(weights), slope=weights["prelu1.weight"])
    net.max_pool("pool1", kernel=3)
    net.convolution("conv2", *_pair(weights, "conv2"), slope=weights["prelu2.weight"])
    net.max_pool("pool2", kernel=3)
    net.convolution("conv3", *_pair(weights, "conv3"), slope=weights["prelu3.weight"])
    net.convolution("dense4", *_dense_on_map(weights, "dense4"), slope=weights["prelu4.weight"])
    net.flatten()
    net.dense("heads", *_joined_heads(weights, "dense5_1", ["dense5_2"]))
    return net.model("mtcnn-r", side=24)


def o_net_graph(weights: Weights) -> onnx.ModelProto:
    """Build O-Net: (B, 48, 48, 3) pixels -> (B, 15), one logit, four offsets, ten landmark places.

    Args:
        weights: arrays named and shaped as facenet-pytorch's ``ONet`` has them.
    """
    net = _Graph()
    net.convolution("conv1", *_folded_pixels(weights), slope=weights["prelu1.weight"])
    net.max_pool("pool1", kernel=3)
    net.convolution("conv2", *_pair(weights, "conv2"), slope=weights["prelu2.weight"])
    net.max_pool("pool2", kernel=3)
    net.convolution("conv3", *_pair(weights, "conv3"), slope=weights["prelu3.weight"])
    net.max_pool("pool3", kernel=2)
    net.convolution("conv4", *_pair(weights, "conv4"), slope=weights["prelu4.weight"])
    net.convolution("dense5", *_dense_on_map(weights, "dense5"), slope=weights["prelu5.weight"])
    net.flatten()
    net.dense("heads", *_joined_heads(weights, "dense6_1", ["dense6_2", "dense6_3"]))
    return net.model("mtcnn-o", side=48)


Layer = tuple[NDArray[np.float32], NDArray[np.float32]]


def _pair(weights: Weights, name: str) -> Layer:
    return weights[f"{name}.weight"], weights[f"{name}.bias"]


def _folded_pixels(weights: Weights) -> Layer:
    """First convolution on raw pixels; summed in float64, so that folding costs no accuracy."""
    kernel, bias = (array.astype(np.float64) for array in _pair(weights, "conv1"))
    shifted = bias - PIXEL_MEAN * PIXEL_SCALE * kernel.sum(axis=(1, 2, 3))
    return (kernel * PIXEL_SCALE).astype(np.float32), shifted.astype(np.float32)


def _joined_heads(weights: Weights, classes: str, others: list[str]) -> Layer:
    """One layer for all heads; classes 0 (not face) and 1 (face) become one logit."""
    kernel, bias = (array.astype(np.float64) for array in _pair(weights, classes))
    kernels = [(kernel[1:] - kernel[:1]).astype(np.float32)]
    biases = [(bias[1:] - bias[:1]).astype(np.float32)]
    for name in others:
        other_kernel, other_bias = _pair(weights, name)
        kernels.append(other_kernel)
        biases.append(other_bias)
    return np.concatenate(kernels), np.concatenate(biases)


def _dense_on_map(weights: Weights, name: str) -> Layer:
    """Dense layer over a 3x3 map flattened as (W, H, C) -> convolution that covers the map."""
    kernel, bias = _pair(weights, name)
    side = 3  # (both R-Net and O-Net end in a 3x3 map)
    as_map = kernel.reshape(kernel.shape[0], side, side, -1).transpose(0, 3, 2, 1)
    return np.ascontiguousarray(as_map), bias


class _Graph:
    """A chain of layers being written down as ONNX."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._arrays: list[onnx.TensorProto] = []
        self._last = "pixels"
        self._n_outputs = 0
        self._append("Transpose", "planes", ["pixels"], perm=[0, 3, 1, 2])

    def convolution(
        self,
        name: str,
        kernel: NDArray[np.float32],
        bias: NDArray[np.float32],
        slope: NDArray[np.float32] | None = None,
    ) -> None:
        inputs = [self._last, *self._store(name, kernel=kernel, bias=bias)]
        self._append("Conv", name, inputs, kernel_shape=list(kernel.shape[2:]))
        if slope is not None:
            slopes = self._store(f"{name}_prelu", slope=slope.reshape(-1, 1, 1))
            self._append("PRelu", f"{name}_prelu", [self._last, *slopes])
        self._n_outputs = kernel.shape[0]

    def dense(self, name: str, kernel: NDArray[np.float32], bias: NDArray[np.float32]) -> None:
        inputs = [self._last, *self._store(name, kernel=kernel, bias=bias)]
        self._append("Gemm", name, inputs, transB=1)
        self._n_outputs = kernel.shape[0]

    def max_pool(self, name: str, *, kernel: int) -> None:
        sides = [kernel, kernel]
        self._append("MaxPool", name, [self._last], kernel_shape=sides, strides=[2, 2], ceil_mode=1)

    def flatten(self) -> None:
        self._append("Flatten", "flat", [self._last], axis=1)

    def model(self, name: str, *, side: int | None) -> onnx.ModelProto:
        height, width = ("H", "W") if side is None else (side, side)
        out_shape: list[str | int] = ["B", self._n_outputs]
        if side is None:
            out_shape += ["h", "w"]
        graph = helper.make_graph(
            self._nodes,
            name,
            [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["B", height, width, 3])],
            [helper.make_tensor_value_info(self._last, TensorProto.FLOAT, out_shape)],
            self._arrays,
        )
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="facerec",
            doc_string=f"Weights of {PACKAGE} {PACKAGE_VERSION}, MIT licence.",
        )
        onnx.checker.check_model(model, full_check=True)
        return model

    def _store(self, name: str, **arrays: NDArray[np.float32]) -> list[str]:
        names = []
        for kind, array in arrays.items():
            names.append(f"{name}.{kind}")
            self._arrays.append(numpy_helper.from_array(np.ascontiguousarray(array), names[-1]))
        return names

    def _append(self, kind: str, name: str, inputs: list[str], **settings: Setting) -> None:
        node = helper.make_node(kind, inputs, [name], name=name)
        node.attribute.extend(helper.make_attribute(*item) for item in sorted(settings.items()))
        self._nodes.append(node)
        self._last = name


def installed_version() -> str:
    """Version of the installed facenet-pytorch."""
    return version(PACKAGE)
