"""Image + landmarks -> Crop: the aligned square that the networks take.

Linear interpolation and a black border, pixel centres at whole numbers: as InsightFace's
``norm_crop``, with which the networks were trained.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from facerec.align.landmarks import DEFAULT_CROP_SIZE_PX, estimate_similarity, template_points
from facerec.imaging.opencv import cv2
from facerec.types import Affine2x3, Crop, Face, ImageRGB, Points5, check_image


def align_face(image: ImageRGB, landmarks: Points5, *, size: int = DEFAULT_CROP_SIZE_PX) -> Crop:
    """Cut one face out, turned upright and brought to the template.

    Args:
        image: (H, W, 3) uint8, RGB.
        landmarks: (5, 2), pixels of the image, order as in ``estimate_similarity``.
        size: side of the Crop in pixels.

    Returns:
        (size, size, 3) uint8, RGB; black where the square reaches beyond the image.

    Raises:
        ShapeError: the image or the landmarks have another shape.
        RangeError: the template is not defined for this size.
        DegenerateLandmarksError: no transform follows from the landmarks.
    """
    check_image(image)
    template = template_points(size)
    crop = np.empty((size, size, 3), dtype=np.uint8)
    _warp_into(crop, image, estimate_similarity(landmarks, template))
    return crop


def align_faces(
    image: ImageRGB, faces: Sequence[Face], *, size: int = DEFAULT_CROP_SIZE_PX
) -> NDArray[np.uint8]:
    """Cut all faces of one image out.

    Args:
        image: (H, W, 3) uint8, RGB.
        faces: N detections in that image.
        size: side of the Crops in pixels.

    Returns:
        (N, size, size, 3) uint8, RGB, one Crop per Face in the same order.

    Raises:
        ShapeError: the image has another shape.
        RangeError: the template is not defined for this size.
        DegenerateLandmarksError: no transform follows from the landmarks of a face.
    """
    check_image(image)
    template = template_points(size)
    crops = np.empty((len(faces), size, size, 3), dtype=np.uint8)
    for crop, face in zip(crops, faces, strict=True):
        _warp_into(crop, image, estimate_similarity(face.landmarks, template))
    return crops


def _warp_into(crop: Crop, image: ImageRGB, matrix: Affine2x3) -> None:
    size = len(crop)
    cv2.warpAffine(
        image,
        matrix,
        (size, size),
        dst=crop,
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(0.0, 0.0, 0.0),
    )
