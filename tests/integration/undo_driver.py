"""Undo and redo one large step until killed: prints one flushed line before and after each.

Run as ``python -m tests.integration.undo_driver GALLERY`` from the repository root.
"""

from __future__ import annotations

import sys
from pathlib import Path

from facerec.services import steps
from facerec.services.gallery import open_gallery
from tests.integration.crash_driver import say


def main(gallery_folder: str) -> None:
    with open_gallery(Path(gallery_folder), create=False, min_saved=1) as gallery:
        say("open")
        is_undone = steps.history(gallery, limit=1)[0].is_undone
        while True:
            say("begin")
            step = steps.redo(gallery) if is_undone else steps.undo(gallery)
            is_undone = step.is_undone
            say("undone" if is_undone else "done")


if __name__ == "__main__":
    main(*sys.argv[1:])
