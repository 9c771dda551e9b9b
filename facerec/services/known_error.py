"""Which exceptions are conditions of the user's files or machine, and which are bugs."""

from __future__ import annotations

import errno

from facerec.errors import ConfigError, DependencyError, FacerecError

# What a missing package is called in pyproject.toml's extras.
_EXTRA_OF_MODULE = {
    "torch": "train",
    "torchvision": "train",
    "facenet_pytorch": "train",
    "onnx": "train",
    "onnxscript": "train",
    "skimage": "test",
    "sklearn": "test",
    "onnxruntime": "int8",
    "dlib": "bench",
    "PySide6": "gui",
}
# Conditions of the user's machine, not of the program.
_ENVIRONMENT_ERRNOS = frozenset(
    {
        errno.EACCES,
        errno.EPERM,
        errno.ENOSPC,
        errno.EROFS,
        getattr(errno, "EDQUOT", errno.ENOSPC),  # (Windows has no quotas)
        errno.ENAMETOOLONG,
        errno.ENOTDIR,
        errno.EISDIR,
        errno.ENOENT,
        errno.EMFILE,
    }
)


def known_error(error: BaseException) -> FacerecError | None:
    """Return the sentence for a condition of the user's files or machine, None for a bug."""
    if isinstance(error, FacerecError):
        return error
    if isinstance(error, ImportError):
        return _import_error(error)
    if isinstance(error, OSError) and error.errno in _ENVIRONMENT_ERRNOS:
        where = f" ({error.filename})" if error.filename else ""
        return ConfigError(
            f"The system refused: {error.strerror}{where}.",
            remedy="Check the path, the permissions and the free space.",
        )
    return None


def _import_error(error: ImportError) -> FacerecError | None:
    # Imported here because only a broken installation needs it.
    from facerec.services.doctor import missing_library

    missing = missing_library(str(error))
    if missing is not None:
        return missing
    module = (error.name or "").partition(".")[0]
    extra = _EXTRA_OF_MODULE.get(module)
    if extra is None:
        return None
    return DependencyError(
        f"This needs the package {module}, which is not installed.",
        remedy=f"Install it: pip install 'facerec[{extra}]'.",
    )
