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

import numpy as np
from numpy.typing import NDArray

from training.data.pack import CropPack
from training.data.targets import (
    Teacher,
    compile_teacher,
    joint_vectors,
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
        self, pack: CropPack, teachers: Sequence[Teacher], *, batch_size: int, dimension: int
    ) -> None:
        """Load the teachers.

        Args:
            pack: whose ``facerec train targets`` settled the way from the teachers' dimensions to
                the student's.
            teachers: the networks.
            batch_size: B.
            dimension: D of the student.

        Raises:
            DatasetError: a teacher cannot be read, or the pack's targets come from others.
        """
        self._batch_size = batch_size
        self._weights = [teacher.weight for teacher in teachers]
        self._projection = read_projection(pack, teachers, dimension)
        side = pack.crops.shape[1]
        self._requests = [
            compile_teacher(
                teacher, side, batch_size=batch_size, net_scale=True
            ).create_infer_request()
            for teacher in teachers
        ]

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
        for request in self._requests:
            request.infer([crops], share_inputs=True)
            raw = request.get_output_tensor(0).data.reshape(self._batch_size, -1)
            vectors.append(raw / np.linalg.norm(raw, axis=1, keepdims=True))
            n_outputs = len(request.model_outputs)
            maps += [np.array(request.get_output_tensor(n).data) for n in range(1, n_outputs)]
        lifted = joint_vectors(vectors, self._weights) @ self._projection
        return Looks(lifted / np.linalg.norm(lifted, axis=1, keepdims=True), tuple(maps))
