"""What services call their stages, in the language of the window."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from gui.i18n.mark import marked

_STAGES = {
    "embed": marked("stages", "Embedding faces"),
    "enrol": marked("stages", "Enrolling"),
    "frames": marked("stages", "Reading frames"),
    "images": marked("stages", "Reading images"),
    "live": marked("stages", "Watching"),
    "people": marked("stages", "Enrolling people"),
    "undo": marked("stages", "Undoing"),
    "Comparing all pairs": marked("stages", "Comparing all pairs"),
    "Comparing everybody": marked("stages", "Comparing everybody"),
    "Embedding images": marked("stages", "Embedding images"),
    "Searching": marked("stages", "Searching"),
}


def translated_stage(stage: str) -> str:
    """Return the name of a stage; one that is not listed as it is."""
    return QCoreApplication.translate("stages", _STAGES.get(stage, stage))
