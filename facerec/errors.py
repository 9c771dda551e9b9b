"""Known error conditions. Each carries one sentence for the user and a remedy.

Anything that is not a ``FacerecError`` (nor ``Cancelled``) is a bug and keeps its traceback.
"""

from __future__ import annotations


class FacerecError(Exception):
    """A condition the user or the environment caused.

    Attributes:
        message: one sentence, ending in a full stop.
        remedy: what to do about it; may be empty.
        details: named facts for ``--json`` and logs.
        code: stable name of the condition.
    """

    def __init__(self, message: str, *, remedy: str = "", **details: object) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.details = details

    @property
    def code(self) -> str:
        """Stable snake_case name, ``NoFaceError`` -> ``no_face``."""
        name = type(self).__name__.removesuffix("Error")
        return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".rstrip()


class InputError(FacerecError):
    """What was handed in cannot be used."""


class ImageReadError(InputError):
    """The file is missing, empty, truncated, or no image."""


class ImageTooLargeError(InputError):
    """The image has more pixels than the limit against decompression bombs."""


class ImageWriteError(InputError):
    """An image cannot be written where it was asked to be."""


class SourceError(InputError):
    """A camera, stream or video gives no images."""


class NoFaceError(InputError):
    """A face was needed and none was found."""


class ManyFacesError(InputError):
    """One face was needed and several were found."""


class LowQualityError(InputError):
    """The face is too poor to be enrolled."""


class ContractError(FacerecError, ValueError):
    """A caller broke a precondition."""


class ShapeError(ContractError):
    """An array has another shape or type than the function takes."""


class RangeError(ContractError):
    """A number lies outside its range."""


class DegenerateLandmarksError(ContractError):
    """The landmarks coincide, so no scale follows from them."""


class WeightsError(FacerecError):
    """A model file cannot be used."""


class WeightsMissingError(WeightsError):
    """The model file is not there."""


class WeightsCorruptError(WeightsError):
    """The model file's digest is not the one on its card."""


class WeightsIncompatibleError(WeightsError):
    """The model file does not do what its card says."""


class GalleryError(FacerecError):
    """The gallery cannot do what was asked."""


class IndexCorruptError(GalleryError):
    """The vector index is damaged."""


class IndexStaleError(GalleryError):
    """The vector index belongs to another revision of the gallery."""


class EmbeddingMismatchError(GalleryError):
    """Embeddings made under different contracts were about to be compared."""


class ConflictError(GalleryError):
    """The face looks like somebody else who is enrolled already."""


class ExpiredError(GalleryError):
    """The time that a person may be kept is over."""


class StepError(GalleryError):
    """A step cannot be undone or redone."""


class StoreError(FacerecError):
    """The database cannot do what was asked."""


class DatabaseCorruptError(StoreError):
    """The database file is damaged or is no gallery."""


class DatabaseTooNewError(StoreError):
    """A newer program wrote the gallery."""


class DatabaseBusyError(StoreError):
    """Another process held the gallery for too long."""


class GalleryLockedError(StoreError):
    """The gallery is encrypted, and its key is missing or wrong."""


class NotFoundError(StoreError):
    """There is no such person, template or model."""


class DuplicateError(StoreError):
    """It is already there."""


class ConfigError(FacerecError):
    """A setting is unknown or has a wrong value."""


class DependencyError(FacerecError):
    """A package or system library is missing; the remedy names what to install."""


class DeviceError(FacerecError):
    """The device asked for is not there."""


class Cancelled(Exception):  # noqa: N818  (not an error, and no error handler may swallow it)
    """The user stopped the work."""
