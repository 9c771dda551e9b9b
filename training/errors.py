"""Known error conditions of training."""

from __future__ import annotations

from facerec.errors import FacerecError


class TrainingError(FacerecError):
    """Training cannot go on."""


class DatasetError(TrainingError):
    """The training data are missing, empty or inconsistent."""


class CheckpointError(TrainingError):
    """A checkpoint cannot be read or belongs to another recipe."""


class DivergedError(TrainingError):
    """The loss is no longer a finite number."""


class CollapsedError(TrainingError):
    """The net maps everybody to the same place."""


class ExportError(TrainingError):
    """The exported graph does not agree with the net."""
