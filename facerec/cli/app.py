"""``facerec app``: says that the window is not part of this version.

A package that brings the window registers ``app`` in the entry-point group ``facerec.commands`` and
thereby replaces this command.
"""

from __future__ import annotations

import click

from facerec.errors import DependencyError


@click.command()
def app() -> None:
    """Open the window (not part of this version).

    Example: facerec app
    """
    raise DependencyError(
        "The window is not part of this version.",
        remedy="Use the command line (`facerec --help`) or Python (`import facerec`) instead.",
    )
