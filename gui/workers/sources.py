"""What may be watched: cameras, a video file, a stream, and the built-in sample video."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from facerec.imaging.frames import FrameSource, list_cameras, open_source
from facerec.pipeline import Pipeline
from facerec.services.sample_video import sample_video


class SourceKind(StrEnum):
    """Where moving images come from."""

    CAMERA = "camera"
    SAMPLE = "sample"
    FILE = "file"
    STREAM = "stream"


@dataclass(frozen=True, slots=True)
class SourceChoice:
    """One source a user can choose.

    Attributes:
        kind: where it comes from.
        value: number of the camera, path or address; empty for the sample.
        name: of the camera or file; empty where the kind says it all.
    """

    kind: SourceKind
    value: str = ""
    name: str = ""

    def open(self, pipeline: Pipeline) -> FrameSource:
        """Make the source; a job's business, since photographs may have to be read.

        Raises:
            FacerecError: there is no such source.
        """
        if self.kind is SourceKind.SAMPLE:
            return sample_video(pipeline.detector)
        return open_source(self.value, is_live=True)


def cameras() -> list[SourceChoice]:
    """Return the cameras of this computer; asking may take a moment."""
    return [
        SourceChoice(SourceKind.CAMERA, str(number), name)
        for number, name in list_cameras().items()
    ]
