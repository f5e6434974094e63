"""What is to be seen and heard of a real video, and what MediaPipe sees."""

from functools import cache
from pathlib import Path

import numpy as np

from models.landmarks import FaceLandmarker
from schemas.arrays import Float32, UInt8
from schemas.source import Offer, SourceVideo
from tasks.ingest import IngestConfig, ingest
from tasks.media.footage import Footage
from tests.builders import face_landmarker_file


def seen_and_heard(video: Path, late_samples: int = 0) -> tuple[list[UInt8], Float32]:
    """A video's pictures, and its sound so many samples at 16 kHz later, or earlier."""
    source = ingest(Offer(video), IngestConfig())
    assert isinstance(source, SourceVideo)
    with Footage(source, 512) as footage:
        pictures = [picture.rgb for picture in footage.pictures()]
        sound, _ = footage.sound(0, len(pictures), -late_samples)
    return pictures, sound


@cache
def landmarks_of(video: Path) -> Float32:
    """[T, 478, 3] pixels, of the frames in which there is a face."""
    with FaceLandmarker(face_landmarker_file()) as landmarker:
        found = [landmarker.find(picture).landmarks for picture in seen_and_heard(video)[0]]
    return np.stack([faces[0] for faces in found if len(faces)])
