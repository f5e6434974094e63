"""The units every other module speaks: one frame rate, one sample rate, one coordinate frame.

Video is 25 frames a second and audio 16 kHz mono everywhere past ``ingest``, so that one video frame is exactly
640 audio samples and no index is ever a rounded float. Frame and sample indices are integers; spans are half open.

Head frame (motion, meshes): metres and radians, right-handed, x to the subject's left, y up, z out of the face.
Rotations are axis-angle; about x is pitch, about y yaw, about z roll. The camera frame has the same axes with the
camera at the origin looking down -z, so a head with rotation zero faces the camera and a point falls on the pixel
``u = cx - f * x / z``, ``v = cy + f * y / z``.
"""

from fractions import Fraction
from typing import Final

FRAME_RATE: Final = Fraction(25)
SAMPLE_RATE: Final = 16_000
SAMPLES_PER_FRAME: Final = 640

N_MESH_POINTS: Final = 468
N_LANDMARKS: Final = 478  # MediaPipe FaceLandmarker: the mesh points, then 2 x 5 iris points
N_BLENDSHAPES: Final = 52  # MediaPipe's order, "_neutral" first
SHAPE_DIM: Final = 100
EXPRESSION_DIM: Final = 50
DETAIL_DIM: Final = 128
DECA_DIM: Final = 236 + DETAIL_DIM  # DECA's coarse code, then its detail
LIPS_DIM: Final = 1024  # SyncNet's embedding

THUMBNAIL_SIZE: Final = (27, 48)  # height, width: what TransNetV2 reads, enough for a flash guard
MOUTH_PATCH_SIZE: Final = 24


def samples_of(duration_ms: float) -> int:
    """The whole number of samples nearest to ``duration_ms``."""
    return round(duration_ms * SAMPLE_RATE / 1000)


def frames_to_seconds(n_frames: int) -> float:
    """Duration of ``n_frames`` frames, in seconds."""
    return float(n_frames / FRAME_RATE)
