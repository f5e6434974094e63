"""A head model on one page, to be looked at: ``python -m models.head.sheet -o sheet.png`` (``--head`` names its npz).

The mean head from three sides, its regions and the chequered texture; random identities; every expression by its name,
at full strength (two standard deviations of a component; ``mouthClose`` on an open jaw); the jaw opened.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from models.head.model import FULL_JAW_RAD, HeadModel, load_open_head, read_head
from models.head.regions import Region, base_colours
from models.head.texture import Unwrapped
from models.render import Camera, Light, rasterise, render, resolve, shade, vertex_normals
from schemas.arrays import Float32, UInt8
from schemas.units import EXPRESSION_DIM, SHAPE_DIM

_TILE: Final = 200
_COLUMNS: Final = 9
_IDENTITIES: Final = 13
_SIDES_DEG: Final = {"front": 0.0, "three quarters": 40.0, "side": 90.0}
_PAPER: Final = 244
_CHEQUERS: Final = 64  # along the texture's side
_TWO_COLOURS: Final = np.array([(0.95, 0.95, 0.92), (0.85, 0.55, 0.35)], np.float32)
_COMPONENT: Final = 2.0
_OF_AN_OPEN_JAW: Final = ("mouthClose",)

Tile = tuple[str, UInt8]


class Booth:
    """Takes the pictures of one head, all from the same distance."""

    def __init__(self, head: HeadModel) -> None:
        self.head = head
        self._colours = (base_colours(head.region) / 255).astype(np.float32)
        middle = (head.template.max(0) + head.template.min(0)) / 2
        height = float(np.ptp(head.template[:, 1]))
        self._place = np.array([0, -middle[1], -8 * height], np.float32)
        self._camera = Camera(_TILE, _TILE, 8 * _TILE / 1.15, ((_TILE - 1) / 2,) * 2)

    def face(
        self, shape: Float32 | None = None, expression: Float32 | None = None, jaw_rad: float = 0, yaw_deg: float = 0
    ) -> Float32:
        """Vertices [V, 3] before the camera."""
        still = np.zeros((1, 6), np.float32)
        vertices = self.head.vertices(
            np.zeros(SHAPE_DIM, np.float32) if shape is None else shape,
            np.zeros((1, EXPRESSION_DIM), np.float32) if expression is None else expression[None],
            np.array([[0, np.radians(yaw_deg), 0]], np.float32),
            np.array([[jaw_rad, 0, 0]], np.float32),
            still,
            self._place[None],
        )
        return np.asarray(vertices[0])

    def natural(self, vertices: Float32) -> UInt8:
        """[tile, tile, 3] in the regions' colours."""
        return self._on_paper(render(vertices, self.head.faces, self._colours, self._camera, supersample=2).over)

    def by_region(self, vertices: Float32) -> UInt8:
        """Every region in a colour of its own."""
        hues = np.array([[[int(180 * r / len(Region)), 90 + 80 * (r % 3), 235] for r in Region]], np.uint8)
        colours = np.asarray(cv2.cvtColor(hues, cv2.COLOR_HSV2RGB)[0] / 255, np.float32)[self.head.region]
        return self._on_paper(render(vertices, self.head.faces, colours, self._camera, supersample=2).over)

    def chequered(self, vertices: Float32, cut: Unwrapped) -> UInt8:
        """The texture's squares on the surface."""
        fragments = rasterise(vertices[cut.vertices], cut.faces, self._camera.scaled(2))
        squares = np.floor(fragments.interpolate(cut.uv) * _CHEQUERS).astype(int).sum(1) % 2
        unlit = _TWO_COLOURS[squares]
        normals = vertex_normals(vertices, self.head.faces)[cut.vertices]
        lit = shade(unlit, fragments.interpolate(normals), fragments.interpolate(vertices[cut.vertices]), Light())
        return self._on_paper(resolve(fragments, lit, self._camera).over)

    def _on_paper(self, over: Callable[[UInt8], UInt8]) -> UInt8:
        return over(np.full((_TILE, _TILE, 3), _PAPER, np.uint8))


def sheet(head: HeadModel, seed: int = 0) -> UInt8:
    """The page [H, W, 3]."""
    booth, rng = Booth(head), np.random.default_rng(seed)
    tiles: list[Tile] = [(name, booth.natural(booth.face(yaw_deg=yaw))) for name, yaw in _SIDES_DEG.items()]
    tiles.append(("regions", booth.by_region(booth.face(yaw_deg=25))))
    cut = Unwrapped.of(head)
    if cut is not None:
        tiles.append(("texture", booth.chequered(booth.face(yaw_deg=25), cut)))
    for number in range(_IDENTITIES):
        shape = np.zeros(SHAPE_DIM, np.float32)
        shape[: head.n_seen_shapes] = rng.normal(0, 1, head.n_seen_shapes)
        tiles.append((f"identity {number}", booth.natural(booth.face(shape=shape, yaw_deg=20 * (number % 2)))))
    tiles.append(("jaw 19 deg", booth.natural(booth.face(jaw_rad=FULL_JAW_RAD))))
    strength = np.float32(1.0 if head.has_actions else _COMPONENT)
    for k in np.flatnonzero(head.expression_basis.any(axis=(0, 1))):
        name, row = head.expression_names[k], strength * np.eye(EXPRESSION_DIM, dtype=np.float32)[k]
        opened = FULL_JAW_RAD if name in _OF_AN_OPEN_JAW else 0.0
        tiles.append((name, booth.natural(booth.face(expression=row, jaw_rad=opened))))
    return _page(tiles)


def _page(tiles: list[Tile]) -> UInt8:
    rows = -(-len(tiles) // _COLUMNS)
    page = np.full((rows * _TILE, _COLUMNS * _TILE, 3), _PAPER, np.uint8)
    for number, (name, picture) in enumerate(tiles):
        top, left = (n * _TILE for n in divmod(number, _COLUMNS))
        page[top : top + _TILE, left : left + _TILE] = picture
        cv2.putText(page, name, (left + 4, top + 12), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (60, 60, 64), 1, cv2.LINE_AA)
    return page


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--head", type=Path, help="an npz as models.head.model reads it; the open head if not given")
    args = parser.parse_args()
    page = sheet(load_open_head() if args.head is None else read_head(args.head))
    written, png = cv2.imencode(".png", cv2.cvtColor(page, cv2.COLOR_RGB2BGR))
    if not written:
        raise SystemExit(f"{args.output}: cannot encode the page as PNG")
    args.output.write_bytes(png.tobytes())


if __name__ == "__main__":
    main()
