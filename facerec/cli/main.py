"""The command ``facerec``: parses, runs one command, and turns what happened into an exit code.

Exit codes: 0 done, or "same person" / "known"; 1 known error; 2 wrong usage; 3 answered no
("different", "unknown", "unsure"); 130 cancelled.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from enum import IntEnum

import click

from facerec.cli import output
from facerec.cli.lazy import ENTRY_POINT_GROUP, LazyGroup
from facerec.errors import Cancelled, ConfigError
from facerec.services.known_error import known_error

# name -> (module:attribute, one line for `facerec --help`)
COMMANDS: dict[str, tuple[str, str]] = {
    "align": ("facerec.cli.align:align", "Cut the aligned face from each image of a folder."),
    "app": ("facerec.cli.app:app", "Open the window."),
    "bench": ("facerec.cli.bench:bench", "Measure speed against other programs."),
    "calibrate": (
        "facerec.cli.calibrate:calibrate",
        "Set the threshold for at most one false alarm in N strangers.",
    ),
    "config": ("facerec.cli.config:config", "Show the settings and where each value came from."),
    "demo": (
        "facerec.cli.demo:demo",
        "Enrol a person from one photograph and name them in others.",
    ),
    "detect": ("facerec.cli.detect:detect", "Find the faces in images."),
    "doctor": (
        "facerec.cli.doctor:doctor",
        "Say what is installed, what works and what is missing.",
    ),
    "enroll": ("facerec.cli.enroll:enroll", "Add people to the gallery."),
    "evaluate": ("facerec.cli.evaluate:evaluate", "Measure error rates on labelled images."),
    "gallery": ("facerec.cli.gallery:gallery", "Look at the gallery and change it."),
    "identify": ("facerec.cli.identify:identify", "Say who is in an image, a folder or a video."),
    "live": (
        "facerec.cli.live:live",
        "Watch a camera, a stream or a video, and say who comes.",
    ),
    "models": (
        "facerec.cli.models:models",
        "List models, show a model's card, verify the files, choose one.",
    ),
    "verify": ("facerec.cli.verify:verify", "Say whether two images show the same person."),
}


class ExitCode(IntEnum):
    """What the program tells the shell."""

    DONE = 0
    ERROR = 1
    USAGE = 2
    ANSWERED_NO = 3
    CANCELLED = 130


@click.group(
    cls=LazyGroup,
    commands_table=COMMANDS,
    entry_point_group=ENTRY_POINT_GROUP,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Each command explains itself: facerec verify --help",
)
@click.version_option(package_name="facerec", message="facerec %(version)s")
def cli() -> None:
    """Find faces, and say whose they are."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Args:
        argv: the arguments without the program's name; the process's own when not given.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    as_json = "--json" in (arguments[: arguments.index("--")] if "--" in arguments else arguments)
    output.prepare_streams()
    try:
        answer = cli.main(args=arguments, prog_name="facerec", standalone_mode=False)
    except click.exceptions.UsageError as exc:
        return _usage(exc, as_json=as_json)
    except click.ClickException as exc:
        output.fail(ConfigError(exc.format_message()), as_json=as_json)
        return ExitCode.ERROR
    except (Cancelled, KeyboardInterrupt, click.Abort):
        output.remark("facerec: cancelled.")
        return ExitCode.CANCELLED
    except BrokenPipeError:
        # The reader (`| head`) went away. Python would complain again when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.ERROR
    except Exception as exc:
        return _failed(exc, as_json=as_json)
    return ExitCode(answer) if isinstance(answer, int) else ExitCode.DONE


def _usage(error: click.exceptions.UsageError, *, as_json: bool) -> ExitCode:
    if as_json:
        path = error.ctx.command_path if error.ctx else "facerec"
        payload = {
            "code": "usage",
            "message": error.format_message(),
            "remedy": f"See `{path} --help`.",
        }
        output.emit("", {"error": payload}, as_json=True)
    else:
        error.show(file=sys.stderr)
    return ExitCode.USAGE


def _failed(error: Exception, *, as_json: bool) -> ExitCode:
    known = known_error(error)
    if known is None:
        output.report_bug(error)
    else:
        output.fail(known, as_json=as_json)
    return ExitCode.ERROR
