"""Change the model of a gallery until killed: one flushed line before and after each thing done.

Run as ``python -m tests.integration.model_change_driver GALLERY prepare|toggle`` from the
repository root. ``prepare`` embeds what is left and ends; ``toggle`` accepts and goes back again
and again.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facerec.services import change_model
from facerec.services.gallery import open_gallery
from facerec.types import Embedding
from tests.helpers.tiny_faces import TinyEmbedder
from tests.integration.crash_driver import say

OLD = TinyEmbedder("a" * 16, 32)
NEW = TinyEmbedder("b" * 16, 24)
BATCH = 16
# A network takes longer than a projection; a kill shall find it at work.
_PAUSE_S = 0.01


class SlowEmbedder(TinyEmbedder):
    """The new model, and a line for each batch."""

    def embed(self, crops: NDArray[np.uint8]) -> list[Embedding]:
        say(f"batch\t{len(crops)}")
        time.sleep(_PAUSE_S)
        return super().embed(crops)


def main(gallery_folder: str, what: str) -> None:
    change_model.BATCH = BATCH
    new = SlowEmbedder(NEW.contract_id, NEW.dimension)
    with open_gallery(Path(gallery_folder), create=False, min_saved=1) as gallery:
        say("open")
        if what == "prepare":
            change_model.begin(gallery, "old", "new", NEW.contract_id)
            change_model.prepare(gallery, new)
            say("prepared")
            return
        while True:
            serving = gallery.state().contract_id
            is_old = serving == OLD.contract_id
            say(f"begin\t{'new' if is_old else 'old'}")
            settings = {"embed.model": "new" if is_old else "old"}
            change_model.accept(gallery, NEW if is_old else OLD, settings)
            say(f"serves\t{'new' if is_old else 'old'}")


if __name__ == "__main__":
    main(*sys.argv[1:])
