from __future__ import annotations

from pathlib import Path

import pytest

from facerec.errors import InputError, NotFoundError
from facerec.evaluate.pairs import find_lfw, people_in_folder, people_root, read_pairs


def make_images(root: Path, people: dict[str, int], suffix: str = ".jpg") -> Path:
    for name, count in people.items():
        for number in range(1, count + 1):
            path = root / name / f"{name}_{number:04d}{suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"not read here")
    return root


LFW_LINES = ["2\t1", "Ada\t1\t2", "Ada\t2\tBob\t1", "Bob\t1\t3", "Bob\t2\tCy\t1"]


@pytest.fixture
def lfw(tmp_path: Path) -> Path:
    make_images(tmp_path / "images", {"Ada": 2, "Bob": 3, "Cy": 1})
    write(tmp_path, LFW_LINES)
    return tmp_path


def write(folder: Path, lines: list[str], name: str = "pairs.txt") -> Path:
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_lfw_pairs_are_read_in_file_order_with_their_folds(lfw: Path) -> None:
    pairs = read_pairs(lfw / "pairs.txt")
    assert pairs.n_folds == 2
    assert [(p.a.name, p.b.name, p.same, p.fold, p.line) for p in pairs.pairs] == [
        ("Ada_0001.jpg", "Ada_0002.jpg", True, 0, 2),
        ("Ada_0002.jpg", "Bob_0001.jpg", False, 0, 3),
        ("Bob_0001.jpg", "Bob_0003.jpg", True, 1, 4),
        ("Bob_0002.jpg", "Cy_0001.jpg", False, 1, 5),
    ]
    assert [path.name for path in pairs.images()] == [
        f"{name}.jpg"
        for name in ("Ada_0001", "Ada_0002", "Bob_0001", "Bob_0003", "Bob_0002", "Cy_0001")
    ]


def test_images_may_lie_beside_the_list_or_in_a_folder_named_for_it(tmp_path: Path) -> None:
    make_images(tmp_path / "beside", {"Ada": 2, "Bob": 3, "Cy": 1}, ".png")
    beside = read_pairs(write(tmp_path / "beside", LFW_LINES))
    assert beside.pairs[0].a == tmp_path / "beside" / "Ada" / "Ada_0001.png"
    elsewhere = read_pairs(write(tmp_path, LFW_LINES), tmp_path / "beside")
    assert elsewhere.pairs == beside.pairs


def test_a_header_of_one_number_is_one_fold(tmp_path: Path) -> None:
    make_images(tmp_path, {"Ada": 2, "Bob": 1})
    pairs = read_pairs(write(tmp_path, ["1", "Ada 1 2", "Ada 1 Bob 1", ""]))
    assert (pairs.n_folds, len(pairs.pairs)) == (1, 2)


@pytest.mark.parametrize(
    ("line", "text", "message"),
    [
        (1, "3\t1", "announces 6 pairs and has 4"),
        (1, "0\t5", "announces 0 pairs"),
        (2, "Ada\t1\tBob\t1", r"Line 2 of pairs.txt should hold a same-person pair"),
        (3, "Ada\t1\t2", r"Line 3 of pairs.txt should hold a pair of two people"),
        (3, "Ada\t1\tAda\t2", r"Line 3 .* calls two images of Ada different people"),
        (4, "Bob\tone\t3", r"Line 4 .* number of an image and gives 'one'"),
        (4, "Bob\t1\t4", r"Line 4 .* not there: .*Bob_0004.jpg"),
        (5, "Bobb\t1\tCy\t1", r"Line 5 .* names Bobb, who has no folder"),
    ],
)
def test_mistakes_in_a_list_are_named_with_their_line(lfw, line, text, message) -> None:
    lines = LFW_LINES.copy()
    lines[line - 1] = text
    with pytest.raises((InputError, NotFoundError), match=message):
        read_pairs(write(lfw, lines))


def test_an_unknown_name_comes_with_the_nearest_one(lfw: Path) -> None:
    lines = [*LFW_LINES[:4], "Bobb\t1\tCy\t1"]
    with pytest.raises(NotFoundError) as caught:
        read_pairs(write(lfw, lines))
    assert caught.value.remedy.startswith("Did you mean 'Bob'?")
    lines[4] = "Zoroaster\t1\tCy\t1"
    with pytest.raises(NotFoundError) as caught:
        read_pairs(write(lfw, lines))
    assert caught.value.remedy.startswith("Name the folder")


def test_csv_pairs_are_read_with_all_words_for_yes_and_no(tmp_path: Path) -> None:
    for name in "abcd":
        (tmp_path / f"{name}.png").write_bytes(b"x")
    words = ["1", "0", "YES", "no", "true", "False", "same", "different"]
    lines = [
        "\ufeffa,b,same",
        *(f"a.png,{'bcd'[i % 3]}.png,{word}" for i, word in enumerate(words)),
        "",
    ]
    pairs = read_pairs(write(tmp_path, lines, "own.csv"))
    assert [pair.same for pair in pairs.pairs] == [True, False] * 4
    assert pairs.n_folds == 1
    assert pairs.pairs[3].line == 5


def test_csv_folds_are_numbered_and_brought_together(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.png").write_bytes(b"x")
    lines = ["a,b,same,fold", "a.png,b.png,1,x", "a.png,b.png,0,y", "a.png,b.png,0,x"]
    pairs = read_pairs(write(tmp_path, lines, "own.csv"))
    assert [(pair.fold, pair.line) for pair in pairs.pairs] == [(0, 2), (0, 4), (1, 3)]
    assert pairs.n_folds == 2


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "is no list of pairs"),
        (["left,right", "a.png,b.png"], "is no list of pairs"),
        (["a,b,same", "a.png,b.png"], "Line 2 of own.csv has 2 columns instead of 3"),
        (["a,b,same", "a.png,b.png,maybe"], "Line 2 .* says 'maybe'"),
        (["a,b,same", "a.png,c.png,1"], "Line 2 .* not there: .*c.png"),
        (["a,b,same", "a.png,b.png,1"], "needs pairs of the same person and of different"),
        (["a,b,same"], "needs pairs of the same person"),
    ],
)
def test_mistakes_in_csv_are_named(tmp_path: Path, lines, message) -> None:
    for name in "ab":
        (tmp_path / f"{name}.png").write_bytes(b"x")
    with pytest.raises((InputError, NotFoundError), match=message):
        read_pairs(write(tmp_path, lines, "own.csv"))


def test_lists_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="cannot be read"):
        read_pairs(tmp_path / "none.txt")
    (tmp_path / "binary.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="no UTF-8"):
        read_pairs(tmp_path / "binary.txt")
    with pytest.raises(NotFoundError, match="There is no folder"):
        read_pairs(write(tmp_path, LFW_LINES), tmp_path / "nowhere")


def test_lfw_is_found_by_argument_or_variable(lfw: Path, monkeypatch) -> None:
    monkeypatch.delenv("FACEREC_LFW", raising=False)
    with pytest.raises(NotFoundError, match="No folder"):
        find_lfw(None)
    assert find_lfw(lfw) == lfw
    monkeypatch.setenv("FACEREC_LFW", str(lfw))
    assert find_lfw(None) == lfw
    with pytest.raises(NotFoundError, match="There is no folder"):
        find_lfw(lfw / "none")
    with pytest.raises(NotFoundError, match=r"There is no pairs.txt"):
        find_lfw(lfw / "images")


def test_people_of_a_folder_are_its_subfolders_with_images(tmp_path: Path) -> None:
    make_images(tmp_path, {"Bob": 2, "Ada": 1})
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("not a person")
    people = people_in_folder(tmp_path)
    assert [(one.name, len(one.images)) for one in people] == [("Ada", 1), ("Bob", 2)]
    outer = tmp_path / "outer"
    make_images(outer / "images", {"Cy": 1, "Dee": 1})
    assert people_root(outer) == outer / "images"
    assert [one.name for one in people_in_folder(outer)] == ["Cy", "Dee"]


def test_folders_without_two_people_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="There is no folder"):
        people_in_folder(tmp_path / "none")
    with pytest.raises(InputError, match="No people have images"):
        people_in_folder(tmp_path)
    make_images(tmp_path, {"Ada": 3})
    with pytest.raises(InputError, match="1 person has images"):
        people_in_folder(tmp_path)
