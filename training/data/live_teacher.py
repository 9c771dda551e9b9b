"""Teachers that look at the very pictures the student sees, step by step.

Targets made once, from clean crops, teach a student the crops. A teacher that answers for each
disturbed and mixed view teaches its function, and a small set of pictures becomes an endless one.

Reference:
    Beyer et al. 2022, "Knowledge distillation: A good teacher is patient and consistent", section 3
    (function matching: same view for both, aggressive mixing, long schedules).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facerec.errors import ConfigError
from training.data.pack import CropPack
from training.data.targets import (
    Teacher,
    compile_teacher,
    joint_vectors,
    open_targets,
    read_projection,
)


@dataclass(frozen=True, slots=True, eq=False)
class Looks:
    """What teachers see in a batch.

    Attributes:
        targets: (B, D) float32, unit length; None where nobody teaches.
        maps: (B, C, H, W) float32 inner maps, teacher by teacher.
    """

    targets: NDArray[np.float32] | None
    maps: tuple[NDArray[np.float32], ...] = ()


class LiveTeacher:
    """One or several teachers giving targets for batches of one fixed size."""

    def __init__(
        self,
        pack: CropPack,
        teachers: Sequence[Teacher],
        *,
        batch_size: int,
        dimension: int,
        directions: int = 0,
    ) -> None:
        """Load the teachers.

        Args:
            pack: whose ``facerec train targets`` settled the way from the teachers' dimensions to
                the student's.
            teachers: the networks.
            batch_size: B.
            dimension: D of the student.
            directions: how many leading directions of the pack's targets are kept; 0 keeps all.

        Raises:
            ConfigError: a teacher that also looks at the mirror image gives no hints.
            DatasetError: a teacher cannot be read, or the pack's targets come from others.
        """
        self._batch_size = batch_size
        self._weights = [teacher.weight for teacher in teachers]
        self._mirror = [teacher.mirror for teacher in teachers]
        if any(teacher.mirror and teacher.hints for teacher in teachers):
            raise ConfigError(
                "The maps of an image and of its mirror image cannot be summed.",
                remedy="Set mirror=false in the recipe's teacher, or give it no hints.",
            )
        self._projection = read_projection(pack, teachers, dimension)
        if directions:
            self._projection = self._projection @ _onto_leading(pack, directions)
        side = pack.crops.shape[1]
        self._requests = [
            compile_teacher(
                teacher, side, batch_size=batch_size, net_scale=True
            ).create_infer_request()
            for teacher in teachers
        ]

    @property
    def is_mirrored(self) -> bool:
        """Whether all teachers say the same of a view and of its mirror image."""
        return all(self._mirror)

    @property
    def map_shapes(self) -> list[list[tuple[int, int, int]]]:
        """(C, H, W) of each teacher's hints."""
        shapes = []
        for request in self._requests:
            outputs = request.model_outputs[1:]
            shapes.append([tuple(output.shape)[1:] for output in outputs])
        return shapes

    def look(self, crops: NDArray[np.float32]) -> Looks:
        """Say what the teachers see.

        Args:
            crops: (B, S, S, 3) float32 RGB, (pixel - 127.5) / 127.5.
        """
        vectors, maps = [], []
        for request, mirror in zip(self._requests, self._mirror, strict=True):
            vector = self._vectors(request, crops)
            if mirror:
                vector = vector + self._vectors(request, np.ascontiguousarray(crops[:, :, ::-1]))
                vector /= np.linalg.norm(vector, axis=1, keepdims=True)
            vectors.append(vector)
            n_outputs = len(request.model_outputs)
            maps += [np.array(request.get_output_tensor(n).data) for n in range(1, n_outputs)]
        lifted = joint_vectors(vectors, self._weights) @ self._projection
        return Looks(lifted / np.linalg.norm(lifted, axis=1, keepdims=True), tuple(maps))

    def _vectors(
        self,
        request: Any,  # noqa: ANN401  (openvino.InferRequest)
        crops: NDArray[np.float32],
    ) -> NDArray[np.float32]:
        request.infer([crops], share_inputs=True)
        raw = request.get_output_tensor(0).data.reshape(self._batch_size, -1)
        unit: NDArray[np.float32] = raw / np.linalg.norm(raw, axis=1, keepdims=True)
        return unit


def _onto_leading(pack: CropPack, directions: int) -> NDArray[np.float32]:
    """Return the (D, D) projection onto the leading directions of what may be learnt."""
    targets = np.asarray(open_targets(pack)[~pack.held_out], dtype=np.float64)
    leading = np.linalg.eigh(targets.T @ targets)[1][:, -directions:]
    onto: NDArray[np.float32] = (leading @ leading.T).astype(np.float32)
    return onto
