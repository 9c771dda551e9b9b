"""Known errors and quality issues in the language of the window, by their stable codes.

In English the program's own sentences are shown, which hold names and numbers. In other languages
each code has a sentence and a remedy; a code that is not listed stays English.
"""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from facerec.errors import FacerecError
from facerec.types import QualityIssue
from gui.i18n.mark import marked

_ERRORS: dict[str, tuple[str, str]] = {
    "image_read": (
        marked("errors", "The image cannot be read."),
        marked("errors", "Use a JPEG, PNG, WebP, TIFF, BMP, GIF, HEIC or AVIF file."),
    ),
    "image_too_large": (
        marked("errors", "The image has too many pixels."),
        marked("errors", "Make it smaller."),
    ),
    "image_write": (
        marked("errors", "The image cannot be written."),
        marked("errors", "Choose another folder."),
    ),
    "no_face": (
        marked("errors", "No face was found."),
        marked("errors", "Use a picture that shows the face larger, upright and unobstructed."),
    ),
    "many_faces": (
        marked("errors", "Several faces were found where one is needed."),
        marked("errors", "Click the face that counts, or crop the picture."),
    ),
    "low_quality": (
        marked("errors", "The face is too poor to be enrolled."),
        marked("errors", "Use a sharper, better lit picture, looking straight."),
    ),
    "conflict": (
        marked("errors", "The face looks like somebody else who is enrolled already."),
        marked("errors", "Check whose picture it is."),
    ),
    "weights_missing": (
        marked("errors", "A model file is not there."),
        marked("errors", "Install facerec again."),
    ),
    "weights_corrupt": (
        marked("errors", "A model file is damaged."),
        marked("errors", "Install facerec again."),
    ),
    "embedding_mismatch": (
        marked(
            "errors", "This gallery was made with another model, so its faces cannot be compared."
        ),
        marked("errors", "Choose that model in the settings."),
    ),
    "database_corrupt": (
        marked("errors", "The gallery is damaged."),
        marked("errors", "Restore it from a backup or an export."),
    ),
    "database_too_new": (
        marked("errors", "A newer version of the program made this gallery."),
        marked("errors", "Install the newer version."),
    ),
    "database_busy": (
        marked("errors", "Another program is using the gallery."),
        marked("errors", "Try again in a moment."),
    ),
    "store": (
        marked("errors", "The gallery cannot be stored there."),
        marked("errors", "Check the folder, its permissions and the free space."),
    ),
    "not_found": (
        marked("errors", "It is not there any more."),
        "",
    ),
    "duplicate": (
        marked("errors", "That name is taken."),
        marked("errors", "Use another name, or merge the two people."),
    ),
    "expired": (
        marked("errors", "The time that this person may be kept is over."),
        marked("errors", "Record a new time with the person's consent."),
    ),
    "step": (
        marked("errors", "This step cannot be undone or redone now."),
        marked("errors", "Undo the later steps first; the history of the gallery lists them."),
    ),
    "range": (
        marked("errors", "What was entered cannot be used."),
        marked("errors", "Enter something else."),
    ),
    "config": (
        marked("errors", "A setting cannot be used."),
        marked("errors", "Choose another value in the settings."),
    ),
    "dependency": (
        marked("errors", "A part of the program is missing."),
        marked("errors", "Install facerec again."),
    ),
    "device": (
        marked("errors", "The computing device chosen is not there."),
        marked("errors", "Choose another one in the settings."),
    ),
}
_ISSUES: dict[str, str] = {
    "too_small": marked("quality", "The face is too small; come closer."),
    "blurred": marked("quality", "The face is blurred; hold still and focus."),
    "too_dark": marked("quality", "The face is too dark; add light."),
    "too_bright": marked("quality", "The face is overexposed; use less light."),
    "low_contrast": marked("quality", "The face has hardly any contrast."),
    "turned_aside": marked("quality", "The face is turned aside; look straight."),
    "tilted": marked("quality", "The face looks up or down; look straight."),
    "cut_off": marked("quality", "The face is cut off by the border of the image."),
    "uncertain": marked("quality", "It is not certain that this is a face."),
}


def translated_error(error: FacerecError) -> tuple[str, str]:
    """Return the sentence and the remedy of an error."""
    sentence, remedy = _ERRORS.get(error.code, ("", ""))
    translated = QCoreApplication.translate("errors", sentence)
    if not sentence or translated == sentence:
        return error.message, error.remedy
    return translated, QCoreApplication.translate("errors", remedy) if remedy else ""


def translated_issue(issue: QualityIssue) -> str:
    """Return the sentence of a quality issue."""
    return QCoreApplication.translate("quality", _ISSUES.get(issue.code, issue.message))
