"""The judge of the stability benchmark, on truths and answers made by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from facerec.bench.stability import Answer, Judge, Steadiness, total
from facerec.bench.stability_script import Cast, make_script
from facerec.imaging.scripted import Sprite, TrueFace

STEP_S = 0.04


def true_face(name: str, x: float = 0.0, visible: float = 1.0, blur_px: float = 0.0) -> TrueFace:
    return TrueFace(name, np.array([x, 0, x + 50, 60], np.float32), visible, blur_px)


def answer(name: str | None, x: float = 0.0) -> Answer:
    return Answer((x, 0.0, x + 50.0, 60.0), name)


def judged(*frames: tuple[Sequence[TrueFace], Sequence[Answer]]) -> Steadiness:
    judge = Judge(frozenset({"Ada", "Bob"}), step_s=STEP_S)
    for number, (truth, answers) in enumerate(frames):
        judge.see(truth, answers, number * STEP_S)
    return judge.result()


def test_right_names_are_counted_after_the_first_half_second() -> None:
    frames = [
        ([true_face("Ada")], [answer("Ada" if number >= 5 else None)]) for number in range(33)
    ]
    frames += [([true_face("Ada")], [])] * 5

    result = judged(*frames)

    # Frames 13 to 37 count; the last five have no box.
    assert (result.n_right, result.n_frames) == (20, 25)
    assert result.right_share == 0.8
    assert result.first_right_s == pytest.approx((0.2,))
    assert (result.n_swaps, result.n_never, result.n_boxless) == (0, 0, 5)


def test_a_wrong_name_at_any_time_is_a_swap_of_that_stay() -> None:
    frames = [
        ([true_face("Ada")], [answer("Bob" if number == 3 else "Ada")]) for number in range(9)
    ]
    frames += [([], [])] * 5
    frames += [([true_face("Ada")], [answer("Ada")])] * 5

    result = judged(*frames)

    assert (result.n_swaps, result.n_stays) == (1, 2)
    assert result.n_changes == 2  # to Bob and back; the first coming is none


def test_a_stranger_with_any_name_is_counted() -> None:
    result = judged(
        ([true_face("Cy"), true_face("Dee", 200)], [answer(None), answer("Ada", 200)]),
        ([true_face("Cy"), true_face("Dee", 200)], [answer(None), answer(None, 200)]),
    )

    assert (result.n_strangers_named, result.n_stranger_stays) == (1, 2)
    assert result.n_frames == 0


def test_boxes_go_to_the_faces_they_lie_on() -> None:
    result = judged(([true_face("Ada"), true_face("Bob", 20)], [answer("Bob", 20), answer("Ada")]))

    assert result.n_swaps == 0


def test_what_is_hidden_or_blurred_does_not_count() -> None:
    frames = [([true_face("Ada")], [answer("Ada")])] * 14
    frames += [([true_face("Ada", visible=0.3)], [])] * 5
    frames += [([true_face("Ada", blur_px=4.0)], [answer(None)])] * 5

    assert judged(*frames).n_frames == 1


def test_sums_over_videos() -> None:
    both = total([Steadiness(n_right=3, n_frames=4, first_right_s=(0.1,), least_iou=0.8)] * 2)

    assert (both.n_right, both.n_frames, both.first_right_s) == (6, 8, (0.1, 0.1))
    assert both.least_iou == 0.8
    assert both.payload()["right_share"] == 0.75


def test_in_the_script_nobody_is_in_two_places_and_all_have_their_parts() -> None:
    plate = Sprite(
        np.full((60, 50, 3), 200, np.uint8),
        np.ones((60, 50), np.float32),
        np.array([0, 0, 50, 60], np.float32),
    )
    people = [f"known {number}" for number in range(6)]
    strangers = ("alike", "second", "third")
    cast = Cast(
        dict.fromkeys(people, ()),
        dict.fromkeys([*people, *strangers], (plate, plate)),
        strangers,
        (people[0], people[1]),
    )

    script = make_script(cast, seed=3)

    seen: dict[str, int] = {}
    for number in range(0, script.n_frames, 5):
        names = [face.name for face in script.truth(number)]
        assert len(names) == len(set(names))
        for name in names:
            seen[name] = seen.get(name, 0) + 1
    assert set(seen) == {*people, *strangers, "#pillar"}
    assert min(seen.values()) >= 8
