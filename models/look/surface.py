"""Light on a mesh's vertices."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from models.render import Light
from schemas.arrays import Float32, Int32

_RIM: Final = 0.10
_WRAP: Final = np.array([0.38, 0.2, 0.14], np.float32)  # light that goes round a bend under the skin, red most
_SKY: Final = np.array([1.0, 1.02, 1.06], np.float32)
_GROUND: Final = np.array([0.8, 0.72, 0.68], np.float32)


@dataclass(frozen=True, slots=True)
class Surface:
    """Triangles and what their vertices are made of (V of them)."""

    faces: Int32  # [F, 3]
    colours: Float32  # [V, 3] unlit, 0..1
    reach: Float32  # [V, 1] share of the light around that gets there
    gloss: Float32  # [V, 1] strength of the highlight

    def lit(self, points: Float32, normals: Float32, light: Light) -> Float32:
        """What the vertices show [V, 3], 0..1; ``points`` and unit ``normals`` [V, 3] in the camera frame.

        Sky and ground, one lamp whose light goes a little way round bends (a stand-in for light scattered under the
        skin), a Blinn-Phong highlight and a faint rim.
        """
        towards = np.asarray(light.towards, np.float32)
        towards /= np.float32(np.linalg.norm(towards))
        to_eye = np.asarray(-points / np.sqrt(_dot(points, points)), np.float32)
        half: Float32 = to_eye + towards
        half /= np.sqrt(_dot(half, half)) + np.float32(1e-6)
        facing = (normals @ towards)[:, None]
        lambert = np.maximum(facing * (1 / (1 + _WRAP)) + _WRAP / (1 + _WRAP), 0)
        sky = 0.5 + 0.5 * normals[:, 1:2]
        ambient = light.ambient * self.reach * (_GROUND + (_SKY - _GROUND) * sky)
        glint = np.maximum(_dot(normals, half), 0) ** np.float32(light.shininess) * (facing > 0)
        edge_on = 1 - np.maximum(_dot(normals, to_eye), 0)
        lamp = light.diffuse * (0.4 + 0.6 * self.reach)
        shown = self.colours * (ambient + lamp * lambert + _RIM * sky * edge_on * edge_on * edge_on)
        shown += light.specular * glint * self.gloss
        return np.asarray(shown.clip(0, 1), np.float32)


def _dot(a: Float32, b: Float32) -> Float32:
    return np.asarray(np.einsum("vk,vk->v", a, b)[:, None], np.float32)
