"""Distillation targets: what one or several teacher networks say of every crop of a pack.

Each teacher's unit vectors are weighted and concatenated, so that the cosine of two joint vectors
is the weighted mean of the teachers' cosines; the best 512 directions of them (or an isometry, when
there are fewer) give a target that a 512-d student can imitate directly, with no head in between.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facerec.progress import SilentTask, Task
from training.data.pack import CropPack
from training.errors import DatasetError

TARGETS_NAME = "targets.npy"
PROJECTION_NAME = "projection.npy"
FACTS_NAME = "targets.json"
BATCH = 32
# Nets see (pixel - 127.5) / 127.5.
HALF_RANGE = 127.5


@dataclass(frozen=True, slots=True)
class Teacher:
    """One trained network to learn from.

    Attributes:
        file: .onnx or .tflite, read by OpenVINO.
        weight: its share in the joint cosine is ``weight ** 2``.
        colour: ``RGB`` or ``BGR``.
        mean: per channel, on the 0..255 scale.
        std: per channel, on the 0..255 scale.
        layout: ``NCHW`` or ``NHWC``.
        mirror: whether image and mirror image are summed, which doubles the time.
        hints: names of inner maps in the file's graph, for ``distill.hints``.
    """

    file: str
    weight: float
    colour: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    layout: str = "NCHW"
    mirror: bool = True
    hints: tuple[str, ...] = ()


def teacher_vectors(
    teacher: Teacher, crops: NDArray[np.uint8], *, task: Task | None = None, stage: str = "teacher"
) -> NDArray[np.float32]:
    """Embed crops with a teacher.

    Args:
        teacher: the network.
        crops: (N, S, S, 3) uint8 RGB.
        task: receives progress.
        stage: what progress calls this.

    Returns:
        (N, D) float32, unit length.

    Raises:
        DatasetError: the teacher's file cannot be read.
    """
    import openvino

    task = task or SilentTask()
    compiled = compile_teacher(teacher, crops.shape[1])
    queue = openvino.AsyncInferQueue(compiled)
    # Some exported graphs flatten their output to (1, B * D); B images still give B vectors.
    width = int(np.prod(list(compiled.output(0).shape))) // BATCH
    sums = np.zeros((len(crops), width), np.float32)

    def collect(request: Any, start: int) -> None:  # noqa: ANN401  (openvino.InferRequest)
        stop = min(start + BATCH, len(crops))
        vectors = request.get_output_tensor(0).data.reshape(BATCH, width)[: stop - start]
        sums[start:stop] += vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    queue.set_callback(collect)
    for start in range(0, len(crops), BATCH):
        batch = np.asarray(crops[start : start + BATCH])
        if len(batch) < BATCH:
            batch = np.concatenate([batch, np.repeat(batch[-1:], BATCH - len(batch), axis=0)])
        queue.start_async([np.ascontiguousarray(batch)], start)
        if teacher.mirror:
            queue.start_async([np.ascontiguousarray(batch[:, :, ::-1])], start)
        task.step(stage, min(start + BATCH, len(crops)), len(crops))
    queue.wait_all()
    unit: NDArray[np.float32] = sums / np.linalg.norm(sums, axis=1, keepdims=True)
    return unit


def cached_teacher_vectors(
    pack: CropPack, teacher: Teacher, *, task: Task | None = None
) -> NDArray[np.float32]:
    """Embed a pack's crops with a teacher, or read what an earlier call wrote beside them.

    Returns:
        (N, D) float32, unit length.
    """
    path = pack.folder / f"teacher-{Path(teacher.file).stem}{'' if teacher.mirror else '-one'}.npy"
    if path.exists():
        kept: NDArray[np.float32] = np.load(path, allow_pickle=False)
        if len(kept) == len(pack):
            return kept
    vectors = teacher_vectors(teacher, pack.crops, task=task, stage=Path(teacher.file).stem)
    np.save(path, vectors)
    return vectors


def compile_teacher(
    teacher: Teacher, side: int, *, batch_size: int = BATCH, net_scale: bool = False
) -> Any:  # noqa: ANN401  (openvino.CompiledModel)
    """Load a teacher for batches of (B, S, S, 3) RGB crops.

    Args:
        teacher: the network.
        side: S in pixels.
        batch_size: B.
        net_scale: crops come as float32 (pixel - 127.5) / 127.5 rather than as uint8; the
            teacher's hints are outputs 1, 2, ... then.

    Raises:
        DatasetError: the teacher's file cannot be read, or has no map of such a name.
    """
    import openvino
    from openvino.preprocess import PrePostProcessor

    core = openvino.Core()
    try:
        graph = core.read_model(teacher.file)
    except RuntimeError as exc:
        raise DatasetError(
            f"The teacher {teacher.file} cannot be read.", remedy="Check its path in the recipe."
        ) from exc
    if net_scale:
        _give_out(graph, teacher)
    channels_last = teacher.layout == "NHWC"
    shape = [batch_size, side, side, 3] if channels_last else [batch_size, 3, side, side]
    graph.reshape({graph.input(0): openvino.PartialShape(shape)})
    steps = PrePostProcessor(graph)
    pixel_type = openvino.Type.f32 if net_scale else openvino.Type.u8
    steps.input().tensor().set_element_type(pixel_type)
    steps.input().tensor().set_layout(openvino.Layout("NHWC"))
    steps.input().model().set_layout(openvino.Layout(teacher.layout))
    preprocess = steps.input().preprocess()
    preprocess.convert_element_type(openvino.Type.f32)
    if teacher.colour == "BGR":
        preprocess.reverse_channels()
    mean, std = np.array(teacher.mean), np.array(teacher.std)
    if net_scale:
        mean, std = (mean - HALF_RANGE) / HALF_RANGE, std / HALF_RANGE
    preprocess.mean(mean.tolist()).scale(std.tolist())
    hint = "LATENCY" if net_scale else "THROUGHPUT"
    # Targets need no more digits than bf16 has where the processor computes in it.
    return core.compile_model(steps.build(), "CPU", {"PERFORMANCE_HINT": hint})


def _give_out(graph: Any, teacher: Teacher) -> None:  # noqa: ANN401  (openvino.Model)
    """Make a teacher's hints outputs of its graph."""
    inner = {node.get_friendly_name(): node for node in graph.get_ops()}
    for name in teacher.hints:
        if name not in inner:
            raise DatasetError(
                f"The teacher {teacher.file} has no inner map {name!r}.",
                remedy="Name a node of its graph in teacher.hints.",
            )
        graph.add_outputs(inner[name].output(0))


def joint_vectors(
    vectors: Sequence[NDArray[np.float32]], weights: Sequence[float]
) -> NDArray[np.float32]:
    """Concatenate weighted unit vectors of several teachers and normalise.

    Args:
        vectors: one (N, D_t) array a teacher, unit length.
        weights: one number a teacher.

    Returns:
        (N, sum of D_t) float32, unit length.
    """
    parts = [w * v for w, v in zip(weights, vectors, strict=True)]
    joint = np.concatenate(parts, axis=1)
    normalised: NDArray[np.float32] = joint / np.linalg.norm(joint, axis=1, keepdims=True)
    return normalised.astype(np.float32)


def projection_to(
    joint: NDArray[np.float32], dimension: int, *, seed: int = 0
) -> NDArray[np.float32]:
    """Find the matrix that carries joint vectors to the student's dimension.

    Args:
        joint: (N, J) float32.
        dimension: D of the student.
        seed: of the random isometry used when J <= D.

    Returns:
        (J, D) float32. With J > D its columns are the leading right singular vectors of ``joint``
        (uncentred principal components, which lose least of the inner products), turned by a random
        rotation so that all D outputs carry alike; with J <= D its rows are orthonormal and every
        inner product is kept.
    """
    width = joint.shape[1]
    rng = np.random.default_rng(seed)
    turn, _ = np.linalg.qr(rng.standard_normal((dimension, dimension)))
    if width <= dimension:
        return np.ascontiguousarray(turn[:width], dtype=np.float32)
    gram = joint.T.astype(np.float64) @ joint.astype(np.float64)
    _, directions = np.linalg.eigh(gram)
    leading = directions[:, ::-1][:, :dimension]
    return np.ascontiguousarray(leading @ turn, dtype=np.float32)


def write_targets(
    pack: CropPack, teachers: Sequence[Teacher], *, dimension: int = 512, task: Task | None = None
) -> Path:
    """Write ``targets.npy`` (N, D) float16 beside a pack's crops.

    The matrix is found on the part of the pack that may be trained on.

    Returns:
        The path written.
    """
    vectors = [cached_teacher_vectors(pack, teacher, task=task) for teacher in teachers]
    joint = joint_vectors(vectors, [t.weight for t in teachers])
    matrix = projection_to(joint[~pack.held_out], dimension)
    targets = np.concatenate([chunk @ matrix for chunk in _chunks(joint)])
    kept = float(np.mean(np.sum(targets * targets, axis=1)))
    targets /= np.linalg.norm(targets, axis=1, keepdims=True)
    path = pack.folder / TARGETS_NAME
    np.save(path, targets.astype(np.float16))
    np.save(pack.folder / PROJECTION_NAME, matrix)
    facts = {"teachers": _teacher_facts(teachers), "kept_energy": kept}
    (pack.folder / FACTS_NAME).write_text(json.dumps(facts) + "\n", encoding="utf-8")
    return path


def open_targets(pack: CropPack) -> NDArray[np.float16]:
    """Map what ``write_targets`` wrote into memory.

    Returns:
        (N, D) float16.

    Raises:
        DatasetError: there are none, or they are of another pack.
    """
    try:
        targets: NDArray[np.float16] = np.load(
            pack.folder / TARGETS_NAME, mmap_mode="r", allow_pickle=False
        )
    except (OSError, ValueError) as exc:
        raise DatasetError(
            f"The pack in {pack.folder} has no targets.",
            remedy="Make them: facerec train targets RECIPE PACK.",
        ) from exc
    if len(targets) != len(pack):
        raise DatasetError(
            f"The pack has {len(pack)} crops and {len(targets)} targets.",
            remedy="Make the targets again: facerec train targets RECIPE PACK.",
        )
    return targets


def read_projection(
    pack: CropPack, teachers: Sequence[Teacher], dimension: int
) -> NDArray[np.float32]:
    """Read the matrix that ``write_targets`` used.

    Returns:
        (J, dimension) float32.

    Raises:
        DatasetError: it is missing, or belongs to other teachers or another dimension.
    """
    remedy = "Make the targets again: facerec train targets RECIPE PACK."
    try:
        matrix: NDArray[np.float32] = np.load(pack.folder / PROJECTION_NAME, allow_pickle=False)
        facts = json.loads((pack.folder / FACTS_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise DatasetError(f"The pack in {pack.folder} has no targets.", remedy=remedy) from exc
    if facts.get("teachers") != _teacher_facts(teachers) or matrix.shape[1] != dimension:
        raise DatasetError(f"The targets in {pack.folder} come from other teachers.", remedy=remedy)
    return matrix


def _teacher_facts(teachers: Sequence[Teacher]) -> list[list[object]]:
    return [[Path(teacher.file).name, teacher.weight] for teacher in teachers]


def _chunks(array: NDArray[np.float32], size: int = 8192) -> Iterator[NDArray[np.float32]]:
    for start in range(0, len(array), size):
        yield array[start : start + size]
