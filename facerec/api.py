"""Face recognition in three lines, for scripts and notebooks.

    >>> from facerec import Gallery, Recognizer                          # doctest: +SKIP
    >>> gallery = Gallery.open("people", recognizer=Recognizer())        # doctest: +SKIP
    >>> gallery.enroll("Ada", ["ada.jpg"]); gallery.identify("group.jpg")  # doctest: +SKIP

A thin layer over ``pipeline`` and ``services``: it reads images, keeps what is loaded, and passes
on. Images may be paths, encoded bytes, arrays (H, W, 3) RGB or (H, W) grey, or PIL images.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, cast

from facerec.gallery.consents import Consent, Terms
from facerec.gallery.people import Person
from facerec.gallery.regroup import Regrouped
from facerec.gallery.steps import Step
from facerec.imaging.read import ImageSource, read_image
from facerec.match.rule import DEFAULT_MARGIN, MatchRule, rule_from_card
from facerec.paths import default_gallery_dir
from facerec.pipeline import AnalyzedFace, Pipeline, open_pipeline
from facerec.services import exclusions, keys, people, steps
from facerec.services.calibrate import calibrated_rule
from facerec.services.consent import record_consent
from facerec.services.enroll import EnrollOptions, PersonOutcome, enroll
from facerec.services.erase import ErasureReport, erase
from facerec.services.expire import keep_to_terms
from facerec.services.gallery import (
    DEFAULT_GRACE_DAYS,
    DEFAULT_KEEP_DAYS,
    OpenGallery,
    open_gallery,
)
from facerec.services.health import check_health
from facerec.services.health_types import HealthReport
from facerec.services.identify import IdentifiedFace, identify
from facerec.services.one_face import FacePolicy
from facerec.services.person_export import PersonExport, export_person
from facerec.services.verify import Verification, verify
from facerec.types import Decision, Embedding, Face
from facerec.zoo import find_model

__all__ = ["EnrollOptions", "FacePolicy", "Gallery", "MatchRule", "Recognizer", "Terms"]


class Recognizer:
    """Finds faces and turns them into Embeddings.

    Attributes:
        pipeline: the detector and embedder in use.
        rule: the Threshold of the model, and the false match rate it was set at.
    """

    def __init__(
        self,
        model: str = "default",
        device: str = "cpu",
        min_face_px: int = 40,
        *,
        detector: str = "mtcnn",
        mirror: bool = False,
        n_threads: int = 0,
        threshold: float | None = None,
        required_margin: float = DEFAULT_MARGIN,
    ) -> None:
        """Load detector and embedder.

        Args:
            model: embedder, as in ``facerec models list``.
            device: ``cpu``, ``gpu`` or ``cuda``; one that is absent is an error.
            min_face_px: smallest face to look for.
            detector: name of a registered detector.
            mirror: sum the vectors of Crop and mirror image.
            n_threads: threads of one inference; 0 leaves it to the runtime.
            threshold: smallest Score that counts as the same Person; the model's when not given.
            required_margin: smallest lead over the second Person that counts as clear.

        Raises:
            NotFoundError: there is no such model.
            WeightsError: a model file is missing or damaged.
            DeviceError: the device is not there.
        """
        self.pipeline = open_pipeline(
            model=model,
            detector=detector,
            device=device,
            n_threads=n_threads,
            min_face_px=min_face_px,
            mirror=mirror,
        )
        self.rule = (
            MatchRule(threshold, required_margin)
            if threshold is not None
            else rule_from_card(find_model(model), required_margin=required_margin)
        )

    @classmethod
    def from_pipeline(cls, pipeline: Pipeline, rule: MatchRule) -> Self:
        """Use a pipeline that is loaded already, or one's own parts."""
        recognizer = cls.__new__(cls)
        recognizer.pipeline = pipeline
        recognizer.rule = rule
        return recognizer

    def detect(self, image: ImageSource) -> list[Face]:
        """Find all faces.

        Args:
            image: path, bytes, array (H, W, 3) or (H, W), or PIL image.

        Returns:
            Faces, most certain first; empty when there is none.

        Raises:
            InputError: the image cannot be read.
        """
        return self.pipeline.detector.detect(read_image(image))

    def embed(self, image: ImageSource, faces: Sequence[Face] | None = None) -> list[Embedding]:
        """Turn faces into unit vectors.

        Args:
            image: path, bytes, array (H, W, 3) or (H, W), or PIL image.
            faces: detections in that image; all faces of it when not given.

        Returns:
            One Embedding per face, in the same order.

        Raises:
            InputError: the image cannot be read.
        """
        pixels = read_image(image)
        found = self.pipeline.detector.detect(pixels) if faces is None else list(faces)
        return [described.embedding for described in self.pipeline.analyze_faces(pixels, found)]

    def analyze(self, image: ImageSource) -> list[AnalyzedFace]:
        """Find and describe all faces: detection, Crop, Embedding and quality of each.

        Args:
            image: path, bytes, array (H, W, 3) or (H, W), or PIL image.

        Raises:
            InputError: the image cannot be read.
        """
        return self.pipeline.analyze(read_image(image))

    def verify(
        self, image_a: ImageSource, image_b: ImageSource, *, faces: str = "refuse"
    ) -> Verification:
        """Say whether two images show the same Person.

        Args:
            image_a: path, bytes, array (H, W, 3) or (H, W), or PIL image.
            image_b: likewise.
            faces: which face counts when there are several: ``refuse``, ``largest``, ``central``
                or ``certain``.

        Raises:
            InputError: an image cannot be read, has no face, or several and that is refused.
        """
        return verify(self.pipeline, image_a, image_b, rule=self.rule, policy=FacePolicy(faces))


class Gallery:
    """Enrolled people. Open it with ``Gallery.open``, best in a ``with`` statement.

    Attributes:
        recognizer: what finds and embeds faces.
    """

    def __init__(self, opened: OpenGallery, recognizer: Recognizer) -> None:
        self.recognizer = recognizer
        self._opened = opened

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str] | None = None,
        *,
        recognizer: Recognizer | None = None,
        create: bool = True,
        keep_days: int = DEFAULT_KEEP_DAYS,
        grace_days: int = DEFAULT_GRACE_DAYS,
        passphrase: str | None = None,
    ) -> Self:
        """Open the gallery in a folder, or make one.

        Args:
            path: its folder; the gallery of the command line when not given.
            recognizer: what finds and embeds faces; the default one when not given.
            create: make the gallery when it is not there.
            keep_days: for how many days a change can be undone; older ones are let go of.
            grace_days: how many days after it was noted that somebody's time is over they are
                erased at an opening; nobody is named by the gallery once their time is over.
            passphrase: of an encrypted gallery; else the environment and the keyring are asked.

        Raises:
            StoreError: it cannot be opened; a damaged gallery is never opened as an empty one.
        """
        folder = Path(path) if path else default_gallery_dir()
        if passphrase is not None and keys.is_encrypted(folder):
            keys.remember(keys.database_in(folder), passphrase)
        opened = open_gallery(folder, create=create, keep_days=keep_days, grace_days=grace_days)
        try:
            opened.expiry = keep_to_terms(opened)
            return cls(opened, recognizer or Recognizer())
        except BaseException:
            opened.close()
            raise

    @property
    def rule(self) -> MatchRule:
        """The Threshold of Decisions here: the gallery's calibrated one, if it has one.

        One that was given to the recognizer comes before both that and the model's.
        """
        return calibrated_rule(self._opened, self.recognizer.rule)

    def close(self) -> None:
        """Keep the index for the next start and let go of the database."""
        self._opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def enroll(
        self,
        name: str,
        images: ImageSource | Sequence[ImageSource],
        *,
        options: EnrollOptions | None = None,
    ) -> PersonOutcome:
        """Enrol a Person from one image or several.

        Args:
            name: of the Person, new or enrolled already.
            images: one image or a list of them: paths, bytes, arrays (H, W, 3) or (H, W), PIL
                images.
            options: how strict; by default several faces, poor faces and faces that look like
                somebody else are refused, each with its reason.

        Returns:
            What became of each image. It is on the disk when this returns.

        Raises:
            RangeError: the name is none.
            StoreError: the gallery cannot be written; nothing was stored.
        """
        many = list(images) if isinstance(images, list | tuple) else [cast("ImageSource", images)]
        recognizer = self.recognizer
        return enroll(
            self._opened, recognizer.pipeline, name, many, rule=recognizer.rule, options=options
        )

    def identify(self, image: ImageSource) -> list[Decision]:
        """Say who is in an image.

        Args:
            image: path, bytes, array (H, W, 3) or (H, W), or PIL image.

        Returns:
            One Decision per face, most certain detection first; empty when there is no face.

        Raises:
            InputError: the image cannot be read.
            EmbeddingMismatchError: the gallery was made with another model.
        """
        return [found.decision for found in self.identify_faces(image)]

    def identify_faces(self, image: ImageSource) -> list[IdentifiedFace]:
        """Like ``identify``, with the face, its Crop and quality beside each Decision.

        Args:
            image: path, bytes, array (H, W, 3) or (H, W), or PIL image.

        Raises:
            InputError: the image cannot be read.
            EmbeddingMismatchError: the gallery was made with another model.
        """
        recognizer = self.recognizer
        return identify(self._opened, recognizer.pipeline, read_image(image), rule=self.rule)

    def verify(
        self, image_a: ImageSource, image_b: ImageSource, *, faces: str = "refuse"
    ) -> Verification:
        """Say whether two images show the same Person; nobody needs to be enrolled.

        Args:
            image_a: path, bytes, array (H, W, 3) or (H, W), or PIL image.
            image_b: likewise.
            faces: which face counts when there are several.

        Raises:
            InputError: an image cannot be read, has no face, or several and that is refused.
        """
        pipeline = self.recognizer.pipeline
        return verify(pipeline, image_a, image_b, rule=self.rule, policy=FacePolicy(faces))

    def people(self) -> list[Person]:
        """Return everybody, by name."""
        return people.list_people(self._opened)

    def rename(self, name: str, new_name: str) -> Person:
        """Give a Person another name.

        Raises:
            NotFoundError: nobody has the old name.
            DuplicateError: somebody else has the new one.
        """
        return people.rename_person(self._opened, name, new_name)

    def merge(self, source: str, into: str) -> Person:
        """Move all Templates of one Person to another, and remove the emptied name.

        Raises:
            NotFoundError: one of them is not enrolled.
        """
        return people.merge_people(self._opened, source, into)

    def split(self, template_ids: Sequence[int], new_name: str) -> Regrouped:
        """Make a new Person of some Templates of one Person.

        Raises:
            NotFoundError: there is no such Template.
            DuplicateError: somebody has the new name already.
            RangeError: the Templates are of several people, or all of one.
        """
        return people.split_person(self._opened, template_ids, new_name)

    def move(self, template_ids: Sequence[int], into: str) -> Regrouped:
        """Give Templates to another Person who is enrolled.

        Raises:
            NotFoundError: there is no such Template, or nobody of that name.
            DuplicateError: the Person has another Template of the same Image.
        """
        return people.move_templates(self._opened, template_ids, into)

    def set_aside(self, template_ids: Sequence[int], *, back: bool = False) -> int:
        """Keep Templates without comparing them any more, or take them back.

        Returns:
            How many were changed; the others were so already.

        Raises:
            NotFoundError: there is no such Template.
        """
        change = people.take_back if back else people.set_aside
        return change(self._opened, template_ids)

    def ignore(self, name: str, *, back: bool = False) -> Person:
        """Never name a Person, only tell them apart; or name them again.

        Raises:
            NotFoundError: nobody has that name.
        """
        change = exclusions.heed_person if back else exclusions.ignore_person
        return change(self._opened, name)

    def not_this_person(self, name: str, template_ids: Sequence[int]) -> int:
        """Note that Templates of other people are not this Person, for every later run.

        Returns:
            How many facts are new.

        Raises:
            NotFoundError: nobody has that name, or there is no such Template.
            RangeError: one of them is the Person's own.
        """
        return exclusions.exclude_templates(self._opened, name, template_ids)

    def health(self) -> HealthReport:
        """Say what in the gallery makes wrong or missed names, and what to do about it.

        Raises:
            InputError: nobody is enrolled.
        """
        return check_health(self._opened, self.rule)

    def remove(self, name: str) -> Person:
        """Remove a Person with all Templates; ``undo`` brings them back, ``erase`` prevents that.

        Raises:
            NotFoundError: nobody has that name.
        """
        return people.remove_person(self._opened, name)

    def erase(self, name: str) -> ErasureReport:
        """Erase a Person for good, enrolled or removed and still kept for ``undo``.

        Raises:
            NotFoundError: nobody of that name is enrolled or kept.
        """
        return erase(self._opened, name)

    def record_consent(self, name: str, terms: Terms) -> Consent:
        """Record what a Person agreed to, what for, and until when they may be kept.

        Raises:
            NotFoundError: nobody has that name.
        """
        return record_consent(self._opened, name, terms)

    def export_person(
        self, name: str, path: str | os.PathLike[str], *, in_the_clear: bool = False
    ) -> PersonExport:
        """Write all that is stored of a Person to a zip file of open formats.

        Args:
            name: of the Person.
            path: of the file.
            in_the_clear: write it although the gallery is encrypted.

        Raises:
            ConfigError: the gallery is encrypted, and ``in_the_clear`` is not set.
            NotFoundError: nobody has that name.
            StoreError: the file cannot be written.
        """
        return export_person(self._opened, name, Path(path), in_the_clear=in_the_clear)

    def undo(self, step_id: int | None = None) -> Step:
        """Take back the last change, or an older one that no later one builds on.

        Raises:
            StepError: there is nothing to undo, or later changes build on it.
        """
        return steps.undo(self._opened, step_id)

    def redo(self) -> Step:
        """Do again what was undone last.

        Raises:
            StepError: there is nothing to redo.
        """
        return steps.redo(self._opened)

    def history(self, *, limit: int | None = None) -> list[Step]:
        """Return the newest changes, newest first; all that are kept when there is no limit."""
        return steps.history(self._opened, limit=limit)
