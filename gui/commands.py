"""The command that the window adds: ``facerec app``. Qt is imported when it runs, not before."""

from __future__ import annotations

import click

from facerec.cli.options import DECISION, GALLERY, RECOGNITION, setting_options


@click.command()
@setting_options(
    "window.theme", "window.language", "window.camera", *GALLERY, *DECISION, *RECOGNITION
)
def app(**flags: object) -> int:
    """Open the window.

    Options hold over the settings file until another value is chosen in the window.

    Example: facerec app --theme dark
    """
    from gui.app import main

    given = {name.replace("__", "."): value for name, value in flags.items() if value is not None}
    return main([], flags=given)
