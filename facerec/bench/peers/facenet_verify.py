"""Peer of ``facerec verify A B``: the same job as users of facenet-pytorch write it.

Run in a process of its own, never imported. InceptionResnetV1 has random weights, because the
package downloads its trained ones; the time and memory of the computation are the same, only the
reading of a 107 MB file is missing, which favours the peer.
"""

from __future__ import annotations

import json
import sys

import torch
from facenet_pytorch import MTCNN, InceptionResnetV1
from PIL import Image


def main(first: str, second: str) -> None:
    """Print the score of two images as JSON."""
    mtcnn = MTCNN(image_size=160, margin=0, min_face_size=40)
    net = InceptionResnetV1(pretrained=None, classify=False).eval()
    crops = []
    for path in (first, second):
        with Image.open(path) as image:
            crops.append(mtcnn(image.convert("RGB")))
    with torch.no_grad():
        vectors = net(torch.stack(crops))
    score = float(torch.nn.functional.cosine_similarity(vectors[:1], vectors[1:]))
    sys.stdout.write(json.dumps({"score": score}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
