"""``facerec doctor``: what is installed, what works, what is missing."""

from __future__ import annotations

import click

from facerec.cli import output
from facerec.cli.options import GALLERY, gallery_folder, json_option, setting_options, settings


@click.command()
@click.option("--repair", "mend", is_flag=True, help="Mend the gallery first, if there is one.")
@setting_options(*GALLERY)
@json_option
def doctor(*, mend: bool, as_json: bool, **flags: object) -> int:
    """Say what is installed, what works and what is missing.

    Ends with 0 when everything works, with 1 when something does not.

    Example: facerec doctor
    """
    from facerec.services.doctor import State, examine

    folder = gallery_folder(settings(flags))
    lines: list[str] = []
    repaired = None
    if mend and folder.exists():
        from facerec.cli.gallery_survival import repair_lines
        from facerec.services.repair import repair

        repaired = repair(folder)
        lines += [*repair_lines(repaired), ""]
    checks = examine(folder)
    problems = [check for check in checks if check.state is State.PROBLEM]
    group = ""
    for check in checks:
        if check.group != group:
            group = check.group
            lines.append(f"{group}")
        lines.append(f"  {check.state:<8}{check.name}: {check.detail}")
        if check.remedy:
            lines.append(f"          -> {check.remedy}")
    lines.append("")
    lines.append(f"{len(problems)} problems." if problems else "Everything works.")
    payload = {"checks": checks, "ok": not problems, "repaired": repaired}
    output.emit("\n".join(lines), payload, as_json=as_json)
    return 1 if problems else 0
