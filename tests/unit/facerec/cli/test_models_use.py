"""`facerec models use`: gallery and setting change together, or neither does."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import numpy as np
import pytest

from facerec.config import load_settings
from facerec.embed.base import open_embedder
from facerec.embed.onnx import OnnxEmbedder
from facerec.errors import Cancelled
from facerec.gallery.session import gallery_state
from facerec.gallery.templates import TemplateVectors
from facerec.match.rule import MatchRule
from facerec.paths import config_file, default_gallery_dir, user_models_dir
from facerec.pipeline import Pipeline
from facerec.services.enroll import EnrollOptions, enroll
from facerec.services.gallery import open_gallery
from facerec.services.use_model import plan_change, prepare_change
from facerec.zoo import find_model, read_manifest
from tests.helpers.command_line import CommandLine
from tests.helpers.fakes import FakeDetector, fake_photo, write_toy_model


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(capsys)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with two networks, ``first`` by default, and three people known to it."""
    folder = tmp_path_factory.mktemp("prepared")
    write_toy_model(folder / "models", name="first")
    write_toy_model(folder / "models", name="second", dimension=24)
    (folder / "config.toml").write_text("# mine\n[match]\nrequired_margin = 0.1  # careful\n")
    (card, _) = read_manifest(folder / "models")
    pipeline = Pipeline(FakeDetector(), OnnxEmbedder(card))
    with open_gallery(folder / "gallery") as opened:
        for number in (1, 2, 3):
            photos = [fake_photo(number)]
            options = EnrollOptions(allow_conflict=True)
            enroll(opened, pipeline, f"P{number}", photos, rule=MatchRule(0.9), options=options)
    return folder


@pytest.fixture
def gallery(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FACEREC_HOME", str(shutil.copytree(prepared, tmp_path / "home")))
    return default_gallery_dir()


def stored(folder: Path) -> tuple[str | None, np.ndarray]:
    with open_gallery(folder) as opened, opened.store.read() as session:
        return gallery_state(session).contract_id, TemplateVectors(session).vectors()[1]


def model_in_use() -> str:
    return load_settings().settings.embed.model


def test_gallery_is_embedded_again_and_the_setting_written(run: CommandLine, gallery: Path) -> None:
    first, second = find_model("first").contract().id, find_model("second").contract().id

    answer = run("models", "use", "second", "--yes")

    assert answer.code == 0
    assert answer.err == ""
    for part in (first, second, "0.6000", "again from their stored crops: 3", "MIT"):
        assert part in answer.out
    assert answer.out.endswith("second is in use with 3 templates.\n")
    assert config_file().read_text() == (
        '# mine\n[match]\nrequired_margin = 0.1  # careful\n\n[embed]\nmodel = "second"\n'
    )
    contract_id, vectors = stored(gallery)
    pipeline = Pipeline(FakeDetector(), open_embedder("second"))
    expected = [pipeline.analyze(fake_photo(n))[0].embedding.vector for n in (1, 2, 3)]
    assert contract_id == second
    np.testing.assert_allclose(vectors, expected, atol=1e-5)


def test_json_says_all_of_it(run: CommandLine, gallery: Path) -> None:
    answer = run("models", "use", "second", "--yes", "--json")

    change = answer.json["change"]
    assert (change["old_model"], change["new_model"], change["n_to_embed"]) == (
        "first",
        "second",
        3,
    )
    assert change["old_contract_id"] == find_model("first").contract().id
    assert change["new_contract_id"] == find_model("second").contract().id
    assert change["new_rule"]["threshold"] == 0.6
    assert answer.json["status"]["progress"] == {"n_templates": 3, "n_ready": 3, "n_failed": 0}
    assert answer.json["served"]["n_templates"] == 3
    assert run("models", "list", "--json").json["in_use"] == "second"
    assert "default, in use" not in run("models", "list").out.partition("second")[0]


@pytest.mark.parametrize(("said", "used"), [("y\n", "second"), ("n\n", "default")])
def test_it_asks(
    run: CommandLine, gallery: Path, monkeypatch: pytest.MonkeyPatch, said: str, used: str
) -> None:
    before = stored(gallery)
    monkeypatch.setattr("sys.stdin", io.StringIO(said))

    answer = run("models", "use", "second")

    assert answer.code == (0 if used == "second" else 130)
    assert "Use second from now on?" in answer.err
    assert model_in_use() == used
    assert (stored(gallery)[0] == before[0]) == (used == "default")


@pytest.mark.parametrize("empty", [False, True], ids=["absent", "empty"])
def test_without_people_it_just_switches(run: CommandLine, gallery: Path, empty: bool) -> None:
    shutil.rmtree(gallery)
    if empty:
        open_gallery(default_gallery_dir()).close()

    answer = run("models", "use", "second", "--yes")

    assert answer.code == 0
    assert answer.out.endswith("\nsecond is in use.\n")
    assert model_in_use() == "second"
    assert default_gallery_dir().exists() == empty


def test_template_that_cannot_be_embedded_keeps_everything_as_it_was(
    run: CommandLine, gallery: Path
) -> None:
    with open_gallery(gallery) as opened, opened.store.write() as session:
        session.connection().exec_driver_sql("UPDATE crops SET png = x'00' WHERE template_id = 2")
    before, settings = stored(gallery), config_file().read_text()

    answer = run("models", "use", "second", "--yes", "--json")

    assert answer.code == 1
    assert answer.json["error"]["details"] == {"template_ids": [2]}
    assert "template 2 of P2" in answer.json["error"]["message"]
    assert "remove-template" in answer.json["error"]["remedy"]
    after = stored(gallery)
    assert after[0] == before[0]
    np.testing.assert_array_equal(after[1], before[1])
    assert config_file().read_text() == settings


def test_stopping_keeps_everything_as_it_was(gallery: Path) -> None:
    class Stopping:
        def step(self, stage: str, done: int, total: int) -> None:
            raise Cancelled

    with open_gallery(gallery) as opened:
        change = plan_change(load_settings().settings, "second", opened)
        with pytest.raises(Cancelled):
            prepare_change(change, open_embedder("second"), opened, task=Stopping())

    assert stored(gallery)[0] == change.old_contract_id
    assert model_in_use() == "default"


def test_killed_between_gallery_and_setting_the_same_command_ends_it(
    run: CommandLine, gallery: Path
) -> None:
    assert run("gallery", "reindex", "--re-embed", "--model", "second").code == 0

    answer = run("models", "use", "second", "--yes", "--json")

    assert answer.json["change"]["n_to_embed"] == 0
    assert answer.json["served"]["n_templates"] == 3
    assert model_in_use() == "second"


def test_setting_changed_by_hand_leads_to_the_gallery(run: CommandLine, gallery: Path) -> None:
    config_file().write_text("[embed]\nmodel = 'second'\n")

    answer = run("models", "use", "second", "--yes", "--json")

    assert answer.json["served"]["n_templates"] == 3
    assert answer.json["change"]["old_contract_id"] == find_model("first").contract().id


def test_model_that_was_removed_can_be_replaced(run: CommandLine, gallery: Path) -> None:
    config_file().write_text("[embed]\nmodel = 'gone'\n")

    answer = run("models", "use", "second", "--yes", "--json")

    assert answer.json["change"]["old_model"] == "gone"
    assert answer.json["change"]["old_rule"] is None
    assert model_in_use() == "second"


def test_own_threshold_is_told(run: CommandLine, gallery: Path) -> None:
    config_file().write_text("[match]\nthreshold = 0.42\n")

    answer = run("models", "use", "second", "--yes")

    assert "0.4200" in answer.out
    assert "it was not chosen for this model" in answer.out


def damage() -> None:
    with (user_models_dir() / "second.onnx").open("ab") as stream:
        stream.write(b"x")


@pytest.mark.parametrize(
    ("name", "prepare", "sentence", "remedy"),
    [
        pytest.param("thrid", lambda: None, "no model named 'thrid'", "first, ", id="unknown"),
        pytest.param("mtcnn", lambda: None, "no model named 'mtcnn'", "first, ", id="a detector"),
        pytest.param("first", lambda: None, "in use already", "models list", id="in use"),
        pytest.param("default", lambda: None, "in use already", "models list", id="default"),
        pytest.param("second", damage, "not the one on its card", "install", id="damaged"),
        pytest.param(
            "second",
            lambda: (user_models_dir() / "second.onnx").unlink(),
            "is not there",
            "put the file",
            id="missing file",
        ),
        pytest.param(
            "second",
            lambda: config_file().write_text("[match]\nfmr = 1e-9\n"),
            "no threshold for a false match rate",
            "higher rate",
            id="too strict",
        ),
        pytest.param(
            "second",
            lambda: (default_gallery_dir() / "gallery.db").write_bytes(b"no database"),
            "gallery is damaged",
            "backup",
            id="damaged gallery",
        ),
    ],
)
def test_what_cannot_be_used_is_one_sentence_and_a_remedy(
    run: CommandLine, gallery: Path, name: str, prepare, sentence: str, remedy: str
) -> None:
    prepare()
    settings = config_file().read_text()

    answer = run("models", "use", name, "--yes")

    assert answer.code == 1
    assert len(answer.err.splitlines()) == 1
    assert sentence in answer.err
    assert remedy in answer.err
    assert config_file().read_text() == settings


def test_environment_that_decides_is_told_before_anything_is_done(
    run: CommandLine, gallery: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACEREC__EMBED__MODEL", "first")
    before = stored(gallery)[0]

    answer = run("models", "use", "second", "--yes")

    assert answer.code == 1
    assert "FACEREC__EMBED__MODEL overrides" in answer.err
    assert stored(gallery)[0] == before


def test_json_asks_nothing(run: CommandLine, gallery: Path) -> None:
    assert run("models", "use", "second", "--json").code == 2
    assert model_in_use() == "default"


def test_nothing_changes_until_it_is_accepted_and_back_again(
    run: CommandLine, gallery: Path
) -> None:
    before = stored(gallery)

    prepared = run("models", "use", "second", "--prepare-only", "--json").json
    said = run("models", "status").out

    assert prepared["accepted"] is False
    assert prepared["status"]["progress"]["n_ready"] == 3
    assert "second is prepared; first serves" in said
    assert stored(gallery)[0] == before[0]
    np.testing.assert_array_equal(stored(gallery)[1], before[1])
    assert model_in_use() == "default"

    assert run("models", "accept").out == "second is in use with 3 templates.\n"
    accepted = stored(gallery)
    assert accepted[0] == find_model("second").contract().id
    assert model_in_use() == "second"
    assert (
        "second serves; facerec models rollback goes back to first until"
        in run("models", "status").out
    )

    assert run("models", "rollback").out == "first is in use with 3 templates.\n"
    assert stored(gallery)[0] == before[0]
    np.testing.assert_array_equal(stored(gallery)[1], before[1])
    assert model_in_use() == "first"
    assert run("identify", "--help").code == 0

    assert run("models", "use", "second", "--yes").code == 0
    np.testing.assert_array_equal(stored(gallery)[1], accepted[1])
    assert run("models", "forget", "--yes").out == "The vectors of first are forgotten.\n"
    assert run("models", "rollback").code == 1


def test_what_cannot_be_embedded_is_listed_and_can_be_left_out(
    run: CommandLine, gallery: Path
) -> None:
    with open_gallery(gallery) as opened, opened.store.write() as session:
        session.connection().exec_driver_sql("UPDATE crops SET png = x'00' WHERE template_id = 2")
    run("models", "use", "second", "--prepare-only")

    told = run("models", "status").out
    refused = run("models", "accept")
    done = run("models", "accept", "--leave-out")

    assert "Template 2 of P2, image: A stored crop is damaged." in told.replace(
        "P2, :", "P2, image:"
    )
    assert "Cannot be embedded: 1." in told
    assert refused.code == 1
    assert "--leave-out" in refused.err
    assert done.out == "second is in use with 2 templates, 1 left out.\n"
    assert len(stored(gallery)[1]) == 2


def test_without_a_change_there_is_nothing_to_accept(run: CommandLine, gallery: Path) -> None:
    for command in ("accept", "rollback", "compare-gallery"):
        answer = run("models", command)
        assert answer.code == 1
        assert "models use NAME" in answer.err
    assert "none is kept" in run("models", "status").out


def test_a_third_model_says_what_it_forgets(
    run: CommandLine, gallery: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_toy_model(user_models_dir(), name="third", dimension=20)
    run("models", "use", "second", "--yes")
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))

    refused = run("models", "use", "third")

    assert refused.code == 130
    assert "Preparing third forgets the vectors of first. Go on?" in refused.err
    assert "rollback goes back to first" in run("models", "status").out
    allowed = run("models", "use", "third", "--yes")
    assert "Preparing third forgets the vectors of first." in allowed.err
    assert "rollback goes back to second" in run("models", "status").out
