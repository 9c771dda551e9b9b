"""``facerec verify``: one person or two?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from facerec.cli import output
from facerec.cli.options import (
    GALLERY,
    ONE_FACE,
    RECOGNITION,
    THRESHOLD,
    json_option,
    match_rule,
    opened_gallery,
    opened_pipeline,
    setting_options,
    settings,
)

if TYPE_CHECKING:
    from facerec.config import Settings
    from facerec.match.rule import MatchRule
    from facerec.pipeline import AnalyzedFace


@click.command()
@click.argument("a")
@click.argument("b")
@setting_options(*ONE_FACE, *THRESHOLD, *GALLERY, *RECOGNITION)
@json_option
def verify(a: str, b: str, *, as_json: bool, **flags: object) -> int:
    """Say whether two images show the same person.

    Each of A and B must show one face; with several, say which one counts with --faces. Ends with 0
    for the same person, with 3 for different people, with 1 when an image cannot be used.

    Nobody needs to be enrolled. With --gallery the threshold is the one that gallery was calibrated
    to, if it was.

    Example: facerec verify a.jpg b.jpg
    """
    from facerec.services.one_face import FacePolicy
    from facerec.services.verify import verify as verify_images

    current = settings(flags)
    rule = _rule(current)
    policy = FacePolicy(current.match.several_faces)
    pipeline = opened_pipeline(current)
    result = verify_images(pipeline, a, b, rule=rule, policy=policy)
    verdict = "the same person" if result.same else "different people"
    sign = ">=" if result.same else "<"
    lines = [
        f"{verdict}: score {result.score:.3f} {sign} threshold {rule.threshold:.3f}",
        rate_text(rule),
    ]
    if policy is not FacePolicy.REFUSE:
        lines.append(f"With several faces, the one that counts: {policy.value}.")
    for name, face in ((a, result.face_a), (b, result.face_b)):
        lines.extend(f"{name}: {issue.message}" for issue in face.quality_issues)
    payload = {
        "verdict": result.verdict,
        "score": result.score,
        "threshold": rule.threshold,
        "false_match_rate": rule.fmr,
        "false_match_rate_source": rule.fmr_source,
        "false_positive_identification_rate": rule.fpir,
        "faces_policy": policy,
        "images": [_face_payload(a, result.face_a), _face_payload(b, result.face_b)],
        "model": current.embed.model,
        "contract_id": result.face_a.embedding.contract_id,
        "device": pipeline.embedder.device,
    }
    output.emit("\n".join(lines), payload, as_json=as_json)
    return 0 if result.same else 3


def _rule(current: Settings) -> MatchRule:
    # Opening a gallery costs time, so only one that was named is looked into.
    if current.store.gallery is None:
        return match_rule(current)
    with opened_gallery(current) as gallery:
        return match_rule(current, gallery)


def rate_text(rule: MatchRule) -> str:
    """Say in a sentence which rate of false matches or false alarms a threshold has."""
    if rule.fpir is not None:
        return (
            f"At this threshold at most {rule.fpir * 100:.3g} % of strangers (one in "
            f"{round(1 / rule.fpir):,}) are taken for somebody in the gallery it was calibrated "
            f"for ({rule.fpir_source})."
        )
    if rule.fmr is None:
        return "The false match rate of this threshold is not known: you chose it yourself."
    one_in = f"one in {round(1 / rule.fmr):,}; " if rule.fmr else ""
    return (
        f"At this threshold {rule.fmr * 100:.3g} % of comparisons of different people are taken "
        f"for one person ({one_in}measured on: {rule.fmr_source})."
    )


def _face_payload(image: str, face: AnalyzedFace) -> dict[str, object]:
    return {
        "image": image,
        "face": face.face,
        "quality": face.quality,
        "quality_issues": face.quality_issues,
    }
