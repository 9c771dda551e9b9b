"""What the health check found, in words."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from facerec.services.health_types import Action, ActionKind, Finding, FindingKind
from gui.i18n.errors import translated_issue
from gui.i18n.fill import fill
from gui.i18n.mark import marked

_TITLES = {
    FindingKind.MISFILED: marked("findings", "Picture of somebody else"),
    FindingKind.DUPLICATE: marked("findings", "One person enrolled twice"),
    FindingKind.LOOK_ALIKE: marked("findings", "People who look alike"),
    FindingKind.OUTLIER: marked("findings", "Unlike the other pictures"),
    FindingKind.WEAK: marked("findings", "Poor picture"),
    FindingKind.NEAR_THRESHOLD: marked("findings", "Often missed"),
}
# %1 and %2 are names, %3 and %4 what was measured and what it is compared with.
_SENTENCES = {
    FindingKind.MISFILED: marked(
        "findings",
        "The first picture is filed under %1 and looks like %2: score %3, with %1's others %4.",
    ),
    FindingKind.DUPLICATE: marked(
        "findings", "%1 and %2 are most likely one person: score %3, as one person has about %4."
    ),
    FindingKind.LOOK_ALIKE: marked("findings", "%1 and %2 look alike: score %3, threshold %4."),
    FindingKind.OUTLIER: marked(
        "findings",
        "The first picture does not look like the others of %1: score %3, usual is %4.",
    ),
    FindingKind.WEAK: marked(
        "findings", "The first picture of %1 is poor: quality %3, where %4 is enough."
    ),
    FindingKind.NEAR_THRESHOLD: marked(
        "findings", "The pictures of %1 hardly match each other: lowest score %3, threshold %4."
    ),
}
_ACTIONS = {
    ActionKind.MOVE: marked("findings", "Move to %1"),
    ActionKind.MERGE: marked("findings", "Merge into %1"),
    ActionKind.SET_ASIDE: marked("findings", "Set aside"),
    ActionKind.ENROL: marked("findings", "Enrol another picture"),
}
_DONE = {
    ActionKind.MOVE: marked("findings", "Moved to %1."),
    ActionKind.MERGE: marked("findings", "Merged into %1."),
    ActionKind.SET_ASIDE: marked("findings", "Set aside."),
    ActionKind.ENROL: "",
}


def title_words(finding: Finding) -> str:
    """Return what is the matter, in a few words."""
    return _tr(_TITLES[finding.kind])


def sentence_words(finding: Finding) -> str:
    """Return what is the matter, with names and numbers."""
    other = finding.names[1] if len(finding.names) > 1 else ""
    score, beside = f"{finding.score:.2f}", f"{finding.beside:.2f}"
    text = fill(_tr(_SENTENCES[finding.kind]), finding.names[0], other, score, beside)
    return " ".join([text, *(translated_issue(issue) for issue in finding.issues)])


def consequence_words(finding: Finding) -> str:
    """Return what the suggested action would change; empty when it cannot be said."""
    effect, outlook = finding.effect, finding.outlook
    if effect is not None:
        text = _tr(
            marked(
                "findings",
                "Of %1 searches, each leaving one picture out: found %2 → %3, wrongly named %4 → "
                "%5.",
            )
        )
        numbers = (
            effect.n_searches, effect.found_before, effect.found_after, effect.wrong_before,
            effect.wrong_after,
        )  # fmt: skip
        return fill(text, *map(str, numbers))
    if outlook is None:
        return ""
    if finding.kind is FindingKind.LOOK_ALIKE:
        text = _tr(
            marked(
                "findings",
                "Of 1,000 new looks about %1 get the other's name; with another picture %2.",
            )
        )
    else:
        text = _tr(
            marked("findings", "Of 1,000 new looks about %1 are missed; with another picture %2.")
        )
    return fill(text, *(f"{1000 * share:.0f}" for share in (outlook.before, outlook.after)))


def action_words(action: Action) -> str:
    """Return what the button of an action says."""
    return fill(_tr(_ACTIONS[action.kind]), action.into)


def done_words(action: Action) -> str:
    """Return what is said when an action was done."""
    return fill(_tr(_DONE[action.kind]), action.into)


def _tr(text: str) -> str:
    return QCoreApplication.translate("findings", text)
