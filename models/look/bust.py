"""The bust: the head with a finer mesh where colours change, hair on its scalp, and shoulders below it."""

from typing import Final

import numpy as np

from models.head.model import HeadModel
from models.head.regions import BASE_COLOUR, EYEBALLS, Region
from models.look.refine import refine
from models.look.skin import Palette, brows, colours, hair_share, openness, smoothed, step
from models.look.surface import Surface
from models.look.torso import neck, shoulders
from models.render import vertex_normals
from schemas.arrays import Bool, Float32

_LEAST_REACH: Final = 0.45  # of light, in the deepest fold
_DARK: Final = 0.3  # of the mouth's own colour, on a head's inner side


class Bust:
    """One head model in one set of colours. What does not change from frame to frame is worked out once."""

    def __init__(self, head: HeadModel, palette: Palette) -> None:
        cut, self._below, between = neck(head)
        self._faces = np.concatenate([head.faces, between])
        hair = hair_share(head)
        lips = smoothed(head.faces, head.mask(Region.LIPS).astype(np.float32)[:, None], rounds=2)
        edged = np.pad(_edged(head, hair, lips), (0, len(between)))
        scalp = np.pad(head.mask(Region.SCALP)[head.faces].any(axis=1), (0, len(between)))
        template = np.concatenate([head.template, self._below])
        self._mesh = refine(self._faces, len(template), (edged | scalp, edged))

        region = np.eye(len(Region), dtype=np.float32)[head.region]
        grown = step(0.3, 0.75, hair)
        eyeball = head.mask(*EYEBALLS).astype(np.float32)[:, None]
        own = np.concatenate([hair, lips, openness(head), grown, eyeball, region], axis=1)
        self._hair_m = np.float32(palette.hair_m) * np.concatenate([grown, grown[cut]])
        fields = self._mesh.extend(np.concatenate([own, own[cut]]))
        reach, hairy, ball = fields[:, 2:3], fields[:, 3:4], fields[:, 4:5]
        skin = colours(head, palette, self._mesh.extend(template), fields[:, :2], fields[:, 5:])
        gloss = np.where(ball > 0.5, 2.5, 1.0 - 0.35 * hairy).astype(np.float32)
        reach = (_LEAST_REACH + (1 - _LEAST_REACH) * reach).astype(np.float32)
        self.head = Surface(self._mesh.faces, skin, reach, gloss)
        # A head without teeth (FLAME) has no mouth cavity either: through its lips one looks at its inner side.
        self.lining: Surface | None = None
        if not head.mask(Region.TEETH).any():
            dark = np.zeros_like(skin) + np.array(BASE_COLOUR[Region.MOUTH], np.float32) * (_DARK / 255)
            self.lining = Surface(self._mesh.faces[:, ::-1], dark.astype(np.float32), 0 * reach + 1, 0 * gloss)

        self.shoulder_points, faces = shoulders(float(head.template[:, 1].min()))
        self.shoulder_normals = vertex_normals(self.shoulder_points, faces)
        shirt = (np.zeros_like(self.shoulder_points) + palette.shirt).astype(np.float32) / np.float32(255)
        one = np.ones((len(shirt), 1), np.float32)
        self.shoulders = Surface(faces, shirt, one, 0 * one)

    def pose(self, vertices: Float32) -> tuple[Float32, Float32]:
        """Points and unit normals [V', 3] of the head whose model has ``vertices`` [V, 3], in the head's frame."""
        points = np.concatenate([vertices, self._below])
        normals = vertex_normals(points, self._faces)
        # Hair grows before the mesh is refined: on a border to coarser triangles the surface must stay closed.
        return self._mesh.surface(points + self._hair_m * normals, normals)


def _edged(head: HeadModel, hair: Float32, lips: Float32) -> Bool:
    """[F] whether a triangle holds part of a brow, or the border of lips or hair."""
    across = [(field[head.faces, 0].min(1) < 0.6) & (field[head.faces, 0].max(1) > 0.38) for field in (hair, lips)]
    corners = head.template[head.faces]
    points = np.concatenate([corners, corners.mean(axis=1, keepdims=True)], axis=1)
    brow = brows(head, points.reshape(-1, 3)).reshape(len(head.faces), -1).max(axis=1) > 0
    near = np.isin(head.faces, head.faces[brow]).any(axis=1) & (points[:, :, 2] > 0.05).all(axis=1)
    outside = ~head.mask(*EYEBALLS, Region.TEETH, Region.TONGUE, Region.MOUTH)[head.faces].any(axis=1)
    return np.asarray((across[0] | across[1] | near) & outside, np.bool_)
