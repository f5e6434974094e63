"""What MediaPipe sees of a real video."""

from functools import cache
from pathlib import Path

import numpy as np

from models.landmarks import FaceLandmarker
from schemas.arrays import Float32
from schemas.source import Offer, SourceVideo
from tasks.ingest import IngestConfig, ingest
from tasks.media.footage import Footage
from tests.builders import face_landmarker_file


@cache
def landmarks_of(video: Path) -> Float32:
    """[T, 478, 3] pixels, of the frames in which there is a face."""
    source = ingest(Offer(video), IngestConfig())
    assert isinstance(source, SourceVideo)
    with FaceLandmarker(face_landmarker_file()) as landmarker, Footage(source, 512) as footage:
        found = [landmarker.find(picture.rgb).landmarks for picture in footage.pictures()]
    return np.stack([faces[0] for faces in found if len(faces)])
