"""Meshes to pixels without a graphics card, on OpenCV's z-buffer.

``rasterise`` finds the visible surface point of every pixel; ``interpolate`` carries any per-vertex quantity there;
``shade`` lights it. ``paint`` is quicker: it draws colours that were lit at the vertices over a canvas, in one pass;
``render`` does so with anti-aliasing. Everything is deterministic.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from schemas.arrays import Bool, Float32, Int32, UInt8

Float64 = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]
NEAR_M = 0.01
FAR_M = 100.0
# OpenCV works in single precision: an outline that runs exactly through pixel centres keeps them if it is this much
# larger (a thousandth of a pixel at the edge of a 2000 pixel picture).
_HAIR = 1.0 + 2.0**-20
_ID = np.float32(2.0**-24)  # a triangle's number as a colour: exact in single precision, and in OpenCV's range 0..1


@dataclass(frozen=True, slots=True)
class Camera:
    """A pinhole at the origin looking down -z: ``u = cx - f*x/z``, ``v = cy + f*y/z`` (``schemas.units``).

    Pixel ``(column, row)`` is sampled at its own coordinates, as MediaPipe's landmarks and OpenCV count them.
    """

    width: int
    height: int
    focal_px: float
    principal_point_px: tuple[float, float]

    def scaled(self, factor: int) -> "Camera":
        """The same view with every pixel split into ``factor`` x ``factor``."""
        cx, cy = self.principal_point_px
        shift = (factor - 1) / 2
        centre = (cx * factor + shift, cy * factor + shift)
        return Camera(self.width * factor, self.height * factor, self.focal_px * factor, centre)

    def project(self, points: npt.NDArray[np.floating]) -> Float64:
        """Camera-frame points [..., 3] in metres to pixels [..., 2]."""
        points = points.astype(np.float64)
        scaled = self.focal_px * points[..., :2] / points[..., 2:]
        cx, cy = self.principal_point_px
        return np.stack([cx - scaled[..., 0], cy + scaled[..., 1]], axis=-1)


@dataclass(frozen=True, slots=True)
class Light:
    """Ambient, one distant lamp, and a Blinn-Phong highlight. ``towards`` points from the surface to the lamp."""

    towards: tuple[float, float, float] = (0.3, 0.5, 0.8)
    ambient: float = 0.45
    diffuse: float = 0.6
    specular: float = 0.12
    shininess: float = 24.0


@dataclass(frozen=True, slots=True)
class Fragments:
    """The visible surface, one row per covered pixel (P rows), ordered by pixel."""

    camera: Camera
    corners: Int32  # [P, 3] vertex indices of the triangle seen
    weights: Float32  # [P, 3] barycentric, perspective-correct, sum 1
    pixel: Int  # [P] row * width + column
    depth: Float32  # [P] metres in front of the camera

    def interpolate(self, values: Float32) -> Float32:
        """Per-vertex ``values`` [V, K] at the visible points, [P, K]."""
        out = values[self.corners[:, 0]] * self.weights[:, :1]
        out += values[self.corners[:, 1]] * self.weights[:, 1:2]
        out += values[self.corners[:, 2]] * self.weights[:, 2:]
        return out

    def where(self, chosen: Bool) -> "Fragments":
        """Only the fragments that ``chosen`` [P] marks."""
        return Fragments(
            self.camera, self.corners[chosen], self.weights[chosen], self.pixel[chosen], self.depth[chosen]
        )

    def image(self, values: Float32, background: float = 0.0) -> Float32:
        """Per-pixel ``values`` [P, K] as a picture [H, W, K]."""
        out = np.full((self.camera.height * self.camera.width, values.shape[1]), background, np.float32)
        out[self.pixel] = values
        return out.reshape(self.camera.height, self.camera.width, -1)


@dataclass(frozen=True, slots=True)
class Picture:
    """A rendered view. ``depth`` is infinite where nothing is seen."""

    rgb: UInt8  # [H, W, 3]
    coverage: Float32  # [H, W] 0..1, fractional along the outline if supersampled
    depth: Float32  # [H, W] metres in front of the camera

    def over(self, background: UInt8, opacity: float = 1.0) -> UInt8:
        """The picture laid over ``background`` [H, W, 3]."""
        alpha = (self.coverage * opacity)[:, :, None]
        return (background * (1 - alpha) + self.rgb * alpha + 0.5).astype(np.uint8)


def vertex_normals(vertices: Float32, faces: npt.NDArray[np.integer]) -> Float32:
    """Unit normals [V, 3], each the area-weighted mean of the faces around its vertex (counter-clockwise outside)."""
    x, y, z = vertices.T[:, faces]  # [3, F, 3]
    ax, ay, az, bx, by, bz = (c[:, k] - c[:, 0] for k in (1, 2) for c in (x, y, z))
    face_normal = (ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx)
    flat = faces.ravel()
    summed = np.stack([np.bincount(flat, np.repeat(n, 3), len(vertices)) for n in face_normal], axis=1)
    length = np.linalg.norm(summed, axis=1, keepdims=True)
    normals: Float32 = (summed / np.maximum(length, 1e-20)).astype(np.float32)
    return normals


def rasterise(
    vertices: Float32, triangles: npt.NDArray[np.integer], camera: Camera, cull_back_faces: bool = True
) -> Fragments:
    """The visible surface of a triangle mesh.

    ``vertices`` [V, 3] metres in the camera frame, ``triangles`` [F, 3] counter-clockwise seen from outside. A triangle
    that reaches nearer than 1 cm to the camera plane is left out. A pixel belongs to a triangle if its point lies
    inside or on the edge; the nearest triangle wins.
    """
    faces = _in_front(vertices, triangles)
    n_corners = 3 * len(faces)
    mesh = (vertices[faces].reshape(-1, 3), np.arange(n_corners, dtype=np.int32).reshape(-1, 3))
    number = np.zeros((n_corners, 3), np.float32)
    number[:, 0] = np.repeat(np.arange(1, len(faces) + 1, dtype=np.float32) * _ID, 3)
    own_weight = np.tile(np.eye(3, dtype=np.float32), (len(faces), 1))
    numbers, weights = (np.zeros((camera.height, camera.width, 3), np.float32) for _ in range(2))
    _draw(numbers, no_depth(camera), *mesh, number, camera, _Look(cull_back_faces, flat=True))
    _draw(weights, no_depth(camera), *mesh, own_weight, camera, _Look(cull_back_faces))

    number_seen = numbers.reshape(-1, 3)[:, 0]
    pixel = np.flatnonzero(number_seen)
    face = (number_seen[pixel] / _ID).astype(np.int64) - 1
    seen, weight = faces[face], weights.reshape(-1, 3)[pixel]
    return Fragments(camera, seen, weight, pixel, np.einsum("pk,pk->p", weight, -vertices[seen, 2]))


def no_depth(camera: Camera) -> Float32:
    """A depth buffer [H, W] for ``paint`` with nothing in it."""
    return np.full((camera.height, camera.width), FAR_M, np.float32)


def paint(
    canvas: Float32,
    depth: Float32,
    vertices: Float32,
    triangles: npt.NDArray[np.integer],
    colours: Float32,
    camera: Camera,
) -> None:
    """Draw a mesh over ``canvas`` [H, W, 3] where it is nearer than ``depth`` [H, W], changing both in place.

    ``colours`` [V, 3], 0..1, are what the vertices show, already lit; between them they are interpolated. Back faces
    are not drawn. Depths are metres in front of the camera, at most ``FAR_M``.
    """
    _draw(canvas, depth, vertices, _in_front(vertices, triangles), colours, camera, _Look(cull_back_faces=True))


@dataclass(frozen=True, slots=True)
class _Look:
    cull_back_faces: bool
    flat: bool = False  # a triangle in the colour of its first corner


def _in_front(vertices: Float32, triangles: npt.NDArray[np.integer]) -> Int32:
    in_front = vertices[:, 2] < -NEAR_M
    faces = np.ascontiguousarray(triangles, np.int32)
    return faces if in_front.all() else faces[in_front[faces].all(axis=1)]


def _draw(
    canvas: Float32, depth: Float32, vertices: Float32, faces: Int32, colours: Float32, camera: Camera, look: _Look
) -> None:
    """Draw with OpenCV. Its camera has a field of view and the principal point in the middle, so ours goes into the
    vertices."""
    if len(faces) == 0:
        return
    settings = cv2.TriangleRasterizeSettings()
    settings.setCullingMode(cv2.RASTERIZE_CULLING_CW if look.cull_back_faces else cv2.RASTERIZE_CULLING_NONE)
    settings.setShadingType(cv2.RASTERIZE_SHADING_FLAT if look.flat else cv2.RASTERIZE_SHADING_SHADED)
    settings.setGlCompatibleMode(cv2.RASTERIZE_COMPAT_DISABLED)
    half = camera.height / 2  # a field of view of 90 degrees sees from -1 to 1 at a distance of 1
    cx, cy = camera.principal_point_px
    off_x, off_y = cx - (camera.width - 1) / 2, cy - (camera.height - 1) / 2
    at = vertices.astype(np.float64)
    at[:, 0] = (camera.focal_px * at[:, 0] - off_x * at[:, 2]) * _HAIR / half
    at[:, 1] = (camera.focal_px * at[:, 1] + off_y * at[:, 2]) * _HAIR / half
    view, mesh = np.eye(4, dtype=np.float32), (at.astype(np.float32), faces, np.ascontiguousarray(colours))
    cv2.triangleRasterize(*mesh, canvas, depth, view, np.pi / 2, NEAR_M / 2, FAR_M, settings)


def shade(colours: Float32, normals: Float32, points: Float32, light: Light) -> Float32:
    """Blinn-Phong colours [P, 3], 0..1, of surface points with unlit ``colours`` [P, 3], 0..1.

    ``normals`` [P, 3] of any length and ``points`` [P, 3] in metres are in the camera frame.
    """
    normal = normals / np.maximum(np.sqrt(np.einsum("pk,pk->p", normals, normals)), 1e-12)[:, None]
    towards = np.asarray(light.towards, np.float32)
    towards /= np.float32(np.linalg.norm(towards))
    lambert = np.maximum(normal @ towards, 0.0)
    to_eye = -points / np.sqrt(np.einsum("pk,pk->p", points, points))[:, None]
    half = to_eye + towards
    half /= np.maximum(np.sqrt(np.einsum("pk,pk->p", half, half)), 1e-12)[:, None]
    glint = np.maximum(np.einsum("pk,pk->p", normal, half), 0.0) ** np.float32(light.shininess) * (lambert > 0)
    lit = colours * (light.ambient + light.diffuse * lambert)[:, None] + light.specular * glint[:, None]
    clipped: Float32 = np.clip(lit, 0.0, 1.0).astype(np.float32)
    return clipped


def render(
    vertices: Float32,
    faces: npt.NDArray[np.integer],
    colours: Float32,
    camera: Camera,
    light: Light | None = None,
    supersample: int = 1,
) -> Picture:
    """A view of a mesh lit at its vertices; ``colours`` [V, 3] unlit, 0..1, other arguments as ``rasterise``."""
    lit = shade(colours, vertex_normals(vertices, faces), vertices, light or Light())
    fine = camera.scaled(supersample)
    canvas = np.zeros((fine.height, fine.width, 3), np.float32)
    depth = no_depth(fine)
    paint(canvas, depth, vertices, faces, lit, fine)
    depth[depth > 0.99 * FAR_M] = np.inf  # OpenCV stores the inverse and rounds
    return _reduced(canvas, depth, camera)


def resolve(fragments: Fragments, colours: Float32, camera: Camera) -> Picture:
    """Average lit ``colours`` [P, 3] of supersampled fragments down to ``camera``'s pixels."""
    canvas, far = fragments.image(colours), fragments.image(fragments.depth[:, None], np.inf)[:, :, 0]
    return _reduced(canvas, far, camera)


def _reduced(canvas: Float32, depth: Float32, camera: Camera) -> Picture:
    """The picture at ``camera``'s size, of colours (black where nothing is seen) and depths at a multiple of it."""
    size = (camera.width, camera.height)
    coverage = cv2.resize(np.isfinite(depth).astype(np.float32), size, interpolation=cv2.INTER_AREA)
    rgb = cv2.resize(canvas, size, interpolation=cv2.INTER_AREA) / np.maximum(coverage, 1e-6)[:, :, None]
    factor = depth.shape[1] // camera.width
    phases = [depth[dy::factor, dx::factor] for dy in range(factor) for dx in range(factor)]
    return Picture((rgb * 255 + 0.5).astype(np.uint8), coverage.astype(np.float32), np.minimum.reduce(phases))
