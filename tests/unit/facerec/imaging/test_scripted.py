"""Videos made from a script, and their truth."""

from __future__ import annotations

import numpy as np
import pytest

from facerec.errors import RangeError
from facerec.imaging.scripted import Actor, Key, Script, Sprite, make_sprite, plain_ground

RED, BLUE = (220, 0, 0), (0, 0, 220)


def plate(colour: tuple[int, int, int], side: int = 40) -> Sprite:
    """A square of one colour, all of it the "face"."""
    image = np.full((side, side, 3), colour, np.uint8)
    box = np.array([0, 0, side, side], np.float32)
    return Sprite(image, np.ones((side, side), np.float32), box)


def script(*actors: Actor, noise: float = 0.0) -> Script:
    return Script(actors, np.zeros((120, 200, 3), np.uint8), 2.0, 10.0, noise)


def spot(image: np.ndarray, channel: int) -> np.ndarray:
    """Left, top, right, bottom of what is bright in a channel."""
    ys, xs = np.nonzero(image[..., channel] > 110)
    return np.array([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1])


def test_an_actor_is_drawn_where_the_truth_says() -> None:
    walk = Actor("Ada", plate(RED), (Key(0.0, 40, 60, 40), Key(2.0, 160, 60, 60)))
    film = script(walk)

    for number in (0, 5, 13, 19):
        (face,) = film.truth(number)
        drawn = spot(film.frame(number), 0)
        np.testing.assert_allclose(drawn, face.box_xyxy, atol=1.5)
        assert face.name == "Ada"
        assert face.visible == pytest.approx(1.0, abs=0.06)


def test_between_key_points_everything_changes_evenly() -> None:
    walk = Actor("Ada", plate(RED), (Key(0.0, 40, 60, 40), Key(2.0, 140, 80, 60, blur_px=2.0)))

    key = walk.at(0.5)

    assert key is not None
    assert (key.x, key.y, key.height_px, key.blur_px) == pytest.approx((65, 65, 45, 0.5))


def test_an_actor_is_there_from_the_first_to_the_last_key_point() -> None:
    film = script(Actor("Ada", plate(RED), (Key(0.5, 50, 60, 40), Key(1.0, 50, 60, 40))))

    assert [len(film.truth(number)) for number in (4, 5, 10, 11)] == [0, 1, 1, 0]
    assert film.frame(4).max() == 0


def test_who_stands_in_front_hides_who_stands_behind() -> None:
    front = Actor("Ada", plate(RED), (Key(0, 110, 60, 40), Key(2, 110, 60, 40)), layer=1)
    back = Actor("Bob", plate(BLUE), (Key(0, 100, 60, 40), Key(2, 100, 60, 40)))
    film = script(front, back)

    truth = {face.name: face.visible for face in film.truth(0)}

    assert truth["Ada"] == pytest.approx(1.0, abs=0.06)
    assert truth["Bob"] == pytest.approx(0.25, abs=0.06)
    assert tuple(film.frame(0)[60, 110]) == RED


def test_what_leaves_the_frame_is_not_visible() -> None:
    film = script(Actor("Ada", plate(RED), (Key(0, 0, 60, 40), Key(2, 0, 60, 40))))

    assert film.truth(0)[0].visible == pytest.approx(0.5, abs=0.06)


def test_blur_and_light_are_drawn() -> None:
    sharp = script(Actor("Ada", plate(RED), (Key(0, 100, 60, 40),)))
    soft = script(Actor("Ada", plate(RED), (Key(0, 100, 60, 40, blur_px=4.0, light=0.5),)))

    assert sharp.frame(0)[60, 100, 0] == 220
    assert soft.frame(0)[60, 100, 0] == pytest.approx(110, abs=4)
    edges = [np.abs(np.diff(film.frame(0)[60, :, 0].astype(int))).max() for film in (sharp, soft)]
    assert edges[1] < edges[0] / 8


def test_the_same_frame_is_the_same_and_noise_differs_from_frame_to_frame() -> None:
    film = script(noise=5.0)

    np.testing.assert_array_equal(film.frame(3), film.frame(3))
    assert (film.frame(3) != film.frame(4)).any()
    assert film.n_frames == len(list(film.frames())) == 20


def test_a_head_is_cut_out_with_its_face_in_place() -> None:
    photograph = np.zeros((300, 200, 3), np.uint8)
    photograph[100:200, 60:140] = RED
    sprite = make_sprite(photograph, np.array([60, 100, 140, 200]))

    left, top, right, bottom = sprite.face_box.astype(int)

    assert (right - left, bottom - top) == (80, 100)
    assert tuple(sprite.image[(top + bottom) // 2, (left + right) // 2]) == RED
    assert sprite.alpha[(top + bottom) // 2, (left + right) // 2] == 1.0
    assert sprite.alpha[0, 0] == 0.0
    assert sprite.alpha[top + 3, (left + right) // 2] > 0.9


def test_large_faces_are_kept_smaller() -> None:
    sprite = make_sprite(np.zeros((1200, 1000, 3), np.uint8), np.array([200, 200, 700, 840]))

    assert sprite.face_box[3] - sprite.face_box[1] == pytest.approx(320, abs=1)
    assert sprite.alpha.shape == sprite.image.shape[:2]


def test_key_points_come_in_order_of_time() -> None:
    with pytest.raises(RangeError, match="in order of time"):
        Actor("Ada", plate(RED), (Key(1, 0, 0, 10), Key(0, 0, 0, 10)))


def test_a_ground_follows_from_its_seed() -> None:
    assert plain_ground(90, 160, seed=1).shape == (90, 160, 3)
    np.testing.assert_array_equal(plain_ground(90, 160, seed=1), plain_ground(90, 160, seed=1))
    assert (plain_ground(90, 160, seed=1) != plain_ground(90, 160, seed=2)).any()
