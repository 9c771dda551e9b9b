"""Shared widgets: what they show, how they are used by mouse and keyboard."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QImage

from facerec.config import MatchSettings
from facerec.match.rule import MatchRule
from facerec.zoo import find_model
from gui.i18n.rates import rate_sentence
from gui.widgets.alarm_choice import AlarmChoice
from gui.widgets.face_view import FaceView
from gui.widgets.image_well import ImageWell, image_source
from gui.widgets.score_scale import ScoreScale
from gui.widgets.settings_card import ChoiceBox
from gui.widgets.thumbnail import FaceThumbnail, qimage_from_rgb
from tests.helpers.fakes import fake_face, fake_photo


def test_image_has_the_pixels_of_its_array() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)

    image = qimage_from_rgb(pixels[:, ::-1])

    assert (image.width(), image.height()) == (7, 5)
    for x, y in ((0, 0), (6, 4), (2, 3)):
        shade = image.pixelColor(x, y)
        assert [shade.red(), shade.green(), shade.blue()] == pixels[y, 6 - x].tolist()


def test_thumbnail_draws_the_crop(qtbot) -> None:
    thumbnail = FaceThumbnail(64)
    qtbot.addWidget(thumbnail)
    crop = np.full((112, 112, 3), (200, 30, 60), np.uint8)

    thumbnail.show_crop(crop)
    thumbnail.resize(64, 64)
    shade = thumbnail.grab().toImage().pixelColor(32, 32)

    assert (shade.red(), shade.green(), shade.blue()) == (200, 30, 60)


def test_scale_puts_scores_in_order_and_names_them(qtbot) -> None:
    scale = ScoreScale()
    qtbot.addWidget(scale)
    scale.resize(500, 84)

    scale.show_score(0.653, MatchRule(0.435, fmr=0.001))

    assert 0 < scale.x_of(-1) == scale.x_of(-0.2) < scale.x_of(0.435) < scale.x_of(1) < 500
    assert scale.accessibleName() == "Score 0.65, threshold 0.43"


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (MatchRule(0.4, fmr=0.001), "1 in 1,000"),
        (MatchRule(0.4, fmr=0.0001), "1 in 10,000"),
        (MatchRule(0.4), "not known"),
    ],
)
def test_error_rate_is_said_in_words(qapp, rule: MatchRule, words: str) -> None:
    assert words in rate_sentence(rule)


@pytest.fixture
def two_faces(qtbot) -> FaceView:
    view = FaceView()
    qtbot.addWidget(view)
    view.resize(400, 200)
    image = np.zeros((100, 200, 3), np.uint8)
    view.show_image(image, [fake_face(10, 10, 60), fake_face(120, 20, 60)], 0)
    return view


def test_face_is_chosen_by_click(two_faces: FaceView, qtbot) -> None:
    # The image is drawn twice as large; the second face's box begins at x = 126.
    with qtbot.waitSignal(two_faces.chosen) as blocker:
        qtbot.mouseClick(
            two_faces, Qt.MouseButton.LeftButton, pos=QPointF(2 * 150, 2 * 50).toPoint()
        )

    assert blocker.args == [1]
    assert two_faces.current == 1


def test_click_beside_the_faces_chooses_nothing(two_faces: FaceView) -> None:
    assert two_faces.face_at(QPointF(220, 20)) == -1
    assert two_faces.face_at(QPointF(80, 80)) == 0


def test_face_is_chosen_by_arrow_key(two_faces: FaceView, qtbot) -> None:
    with qtbot.waitSignal(two_faces.chosen) as blocker:
        qtbot.keyClick(two_faces, Qt.Key.Key_Right)
    assert blocker.args == [1]
    with qtbot.waitSignal(two_faces.chosen) as blocker:
        qtbot.keyClick(two_faces, Qt.Key.Key_Right)
    assert blocker.args == [0]


def test_face_view_draws_landmarks_on_the_face_that_counts(two_faces: FaceView) -> None:
    x, y = (fake_face(10, 10, 60).landmarks[2] + 0.5) * 2

    shade = two_faces.grab().toImage().pixelColor(int(x), int(y))

    assert (shade.red(), shade.green(), shade.blue()) == (0x5E, 0xE0, 0xA0)


def test_dropped_file_and_pasted_pixels_are_taken(tmp_path) -> None:
    files, pixels, text = QMimeData(), QMimeData(), QMimeData()
    files.setUrls([QUrl.fromLocalFile(str(tmp_path / "a.jpg"))])
    photo = fake_photo(1, size=20)
    pixels.setImageData(qimage_from_rgb(photo))
    text.setText("no picture")

    assert image_source(files) == str(tmp_path / "a.jpg")
    assert image_source(text) is None
    pasted = QImage.fromData(image_source(pixels))
    assert pasted.pixelColor(3, 4).red() == photo[4, 3, 0]


def test_well_goes_back_to_its_invitation(qtbot) -> None:
    well = ImageWell("First")
    qtbot.addWidget(well)
    well.show_filled("a.jpg")
    assert not well.is_empty

    with qtbot.waitSignal(well.cleared):
        well.clear()
    assert well.is_empty


def test_threshold_is_chosen_by_false_alarms(qtbot) -> None:
    choice = AlarmChoice()
    qtbot.addWidget(choice)
    card = find_model("default")
    choice.show_card(card, MatchSettings())

    words = [button.text() for button in choice.buttons]
    assert [text.split(" comparisons")[0] for text in words] == [
        "1 in 100", "1 in 1,000", "1 in 10,000",
    ]  # fmt: skip
    assert [button.isChecked() for button in choice.buttons] == [False, True, False]
    assert "recommended" in words[1]
    with qtbot.waitSignal(choice.chosen) as blocker:
        choice.buttons[2].click()
    assert blocker.args == [0.0001]


@pytest.mark.parametrize(
    ("match", "checked"),
    [
        (MatchSettings(fmr=0.005), 1),
        (MatchSettings(fmr=0.01), 0),
        (MatchSettings(threshold=0.5), 3),
    ],
)
def test_threshold_in_force_is_marked(qtbot, match: MatchSettings, checked: int) -> None:
    choice = AlarmChoice()
    qtbot.addWidget(choice)

    choice.show_card(find_model("default"), match)

    assert [button.isChecked() for button in choice.buttons].index(True) == checked


def test_box_is_not_turned_by_offering_other_choices(qtbot) -> None:
    box = ChoiceBox((("a", "A"), ("b", "B")), "b")
    qtbot.addWidget(box)
    heard: list[int] = []
    box.currentIndexChanged.connect(heard.append)

    box.offer((("c", "C"), ("b", "B")), "b")

    assert (box.value, heard) == ("b", [])
