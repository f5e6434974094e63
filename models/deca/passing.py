"""DECA's codes of the faces that pass by: cut out of each picture, encoded a few at a time, and only the codes kept."""

from typing import Final, Protocol

import numpy as np

from models.deca.code import DecaCode
from models.deca.crop import CropBoxes, cut
from schemas.arrays import Float32, UInt8
from schemas.units import DECA_DIM

_AT_ONCE: Final = 16  # crops that wait; 2.4 MB


class FaceEncoder(Protocol):
    """What makes codes of crops; ``models.deca.encoder.DecaEncoder``."""

    def encode(self, crops: UInt8) -> DecaCode: ...


class FaceCodes:
    """Crops that wait for their encoding, and where each code is to go."""

    def __init__(self, encoder: FaceEncoder) -> None:
        self._encoder = encoder
        self._crops: list[UInt8] = []
        self._places: list[Float32] = []

    def of(self, rgb: UInt8, landmarks: Float32) -> Float32:
        """The codes [F, 364] of the faces with MediaPipe's ``landmarks`` [F, 478, 3] in the picture ``rgb`` [H, W, 3].
        They are filled in when so many wait, at the latest by ``finish``."""
        codes = np.zeros((len(landmarks), DECA_DIM), np.float32)
        boxes = CropBoxes.around(landmarks)
        for face, code in enumerate(codes):
            self._crops.append(cut(rgb, boxes, face))
            self._places.append(code)
            if len(self._crops) == _AT_ONCE:
                self.finish()
        return codes

    def finish(self) -> None:
        """Fill in what is still owed."""
        if not self._crops:
            return
        rows = self._encoder.encode(np.stack(self._crops)).rows
        for place, row in zip(self._places, rows, strict=True):
            place[:] = row
        self._crops.clear()
        self._places.clear()
