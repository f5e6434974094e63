"""DECA's code to the record that every reconstruction gives.

DECA's camera is orthographic: a point (x, y) of the posed head falls on the crop at ``(s (x + tx), -s (y + ty))``,
-1..1 across it (decalib/utils/util.py ``batch_orth_proj``; decalib/deca.py turns y down). Its frame is FLAME's, which
is ours: no axis changes, and FLAME's pose is the rotation about the root joint and the jaw's. Ours is a pinhole with a
focal length that is chosen, not seen; the head is put where the pinhole's scale equals ``s`` at the middle of the face
(weak perspective), so that the face lies on the same pixels; nearer parts come out larger, as in a photograph.
"""

import numpy as np

from models.deca.code import CROP_PX, DecaCode
from models.deca.crop import CropBoxes
from models.head.model import ROOT, HeadModel
from models.head.rotation import to_matrix
from models.render import Camera
from schemas.arrays import Float32
from schemas.motion import HeadMotion

_LEAST_SCALE = 1e-2  # of s, where the network found no face; 100 m away


def to_motion(clip_id: str, code: DecaCode, boxes: CropBoxes, camera: Camera, head: HeadModel) -> HeadMotion:
    """The motion of ``head``, a FLAME, that ``code`` means, cut at ``boxes`` from pictures seen by ``camera``.

    One identity: the mean over the frames. The frames' expression, pose and detail stand as they are. DECA sees
    neither gaze (zero) nor lids (read off the expression).
    """
    if len(code.shape) != len(boxes.side):
        raise ValueError(f"got {len(code.shape)} codes and {len(boxes.side)} boxes")
    return HeadMotion(
        clip_id=clip_id,
        head_model=head.name,
        n_frames=len(code.shape),
        shape=code.identity,
        expression=code.expression,
        global_rotation=code.rotation,
        jaw=code.jaw,
        eyes=np.zeros((len(code.shape), 6), np.float32),
        eyelids=head.eyelids(code.expression),
        translation=_translation(code, boxes, camera, head),
        focal_px=camera.focal_px,
        principal_point_px=camera.principal_point_px,
        detail=code.detail,
    )


def _translation(code: DecaCode, boxes: CropBoxes, camera: Camera, head: HeadModel) -> Float32:
    """[T, 3] metres."""
    shape = code.identity
    s = np.maximum(code.camera[:, 0], _LEAST_SCALE)
    pixels_a_metre = s * (CROP_PX / 2) / boxes.pixels_a_pixel
    depth = camera.focal_px / pixels_a_metre
    # The picture's point where x + tx = y + ty = 0: the middle of DECA's -1..1.
    middle = boxes.centre - boxes.side[:, None] / 2 + CROP_PX / 2 / boxes.pixels_a_pixel[:, None]
    off = (middle - np.asarray(camera.principal_point_px)) * (depth / camera.focal_px)[:, None]
    root = head.joints(shape)[ROOT]
    face = head.landmarks(head.template + head.shape_basis @ shape).mean(0) - root
    turned = np.einsum("tij,j->ti", to_matrix(code.rotation), face) + root
    x, y = off[:, 0] + code.camera[:, 1], code.camera[:, 2] - off[:, 1]
    return np.stack([x, y, -depth - turned[:, 2]], axis=1).astype(np.float32)
