"""Enrol a folder until killed: prints one flushed line per Person, after the commit.

Run as ``python -m tests.integration.crash_driver GALLERY FOLDER`` from the repository root.
"""

from __future__ import annotations

import sys
from pathlib import Path

from facerec.gallery.templates import TemplateVectors
from facerec.match.rule import MatchRule
from facerec.services.enroll import EnrollOptions, enroll_folder
from facerec.services.gallery import open_gallery
from tests.helpers.fakes import fake_pipeline


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(gallery_folder: str, people_folder: str) -> None:
    options = EnrollOptions(allow_conflict=True, allow_low_quality=True)
    # An index file from the first vector on, so that killing hits its writing too.
    with open_gallery(Path(gallery_folder), min_saved=1) as gallery:
        say("open")
        outcomes = enroll_folder(
            gallery, fake_pipeline(), Path(people_folder), rule=MatchRule(0.9), options=options
        )
        for outcome in outcomes:
            if outcome.is_done:
                say(f"enrolled\t{outcome.name}")
            with gallery.store.read() as session:
                gallery.index.save(TemplateVectors(session))
    say("closed")


if __name__ == "__main__":
    main(*sys.argv[1:])
