"""A software rasteriser in numpy: meshes to pixels, without a graphics library.

``rasterise`` finds the visible surface point of every pixel (z-buffer, back faces culled); ``interpolate`` carries
any per-vertex quantity there; ``shade`` lights it; ``render`` does all three with anti-aliasing. Everything is
vectorised over rows and pixels of all triangles at once, runs on one core and is deterministic.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from schemas.arrays import Bool, Float32, UInt8

Float64 = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]
NEAR_M = 0.01


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
    corners: Int  # [P, 3] vertex indices of the triangle seen
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
    corner = vertices[faces]
    face_normal = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
    flat, repeated = faces.ravel(), np.repeat(face_normal, 3, axis=0)
    summed = np.stack([np.bincount(flat, repeated[:, k], len(vertices)) for k in range(3)], axis=1)
    length = np.linalg.norm(summed, axis=1, keepdims=True)
    normals: Float32 = (summed / np.maximum(length, 1e-20)).astype(np.float32)
    return normals


def rasterise(
    vertices: Float32, triangles: npt.NDArray[np.integer], camera: Camera, cull_back_faces: bool = True
) -> Fragments:
    """The visible surface of a triangle mesh.

    ``vertices`` [V, 3] metres in the camera frame, ``triangles`` [F, 3] counter-clockwise seen from outside. A triangle
    that reaches nearer than 1 cm to the camera plane is left out. A pixel belongs to a triangle if its point lies
    inside or on the edge; the nearest triangle wins, of equals the first.
    """
    faces: Int = triangles.astype(np.int64)
    in_front = vertices[:, 2] < -NEAR_M
    safe = np.where(in_front[:, None], vertices, np.float32(-1.0)).astype(np.float64)
    image = camera.project(safe)
    near = 1.0 / -safe[:, 2]  # linear in the picture, larger is nearer

    faces = faces[in_front[faces].all(axis=1)]
    a, b, c = (image[faces[:, k]] for k in range(3))
    area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    facing = area < 0 if cull_back_faces else area != 0  # the picture's y points down, so outside is clockwise
    faces, area = faces[facing], area[facing]
    spans = _row_spans(image[faces], camera)
    face, column, row = _pixels_of(spans)

    # Planes of 1/z and of two barycentric weights over the picture, relative to each triangle's first corner.
    a, b, c = (image[faces[:, k]] for k in range(3))
    x, y = column - a[face, 0], row - a[face, 1]
    inverse_area = 1.0 / area
    edge_b = np.stack([c[:, 1] - a[:, 1], a[:, 0] - c[:, 0]], axis=1) * inverse_area[:, None]
    edge_c = np.stack([a[:, 1] - b[:, 1], b[:, 0] - a[:, 0]], axis=1) * inverse_area[:, None]
    near_a = near[faces[:, 0]]
    near_b, near_c = near[faces[:, 1]] - near_a, near[faces[:, 2]] - near_a
    slope = edge_b * near_b[:, None] + edge_c * near_c[:, None]
    nearness = near_a[face] + slope[face, 0] * x + slope[face, 1] * y

    pixel = row * camera.width + column
    winner = _nearest(pixel, nearness, camera.width * camera.height)
    face, x, y, nearness = face[winner], x[winner], y[winner], nearness[winner]
    weight_b = edge_b[face, 0] * x + edge_b[face, 1] * y
    weight_c = edge_c[face, 0] * x + edge_c[face, 1] * y
    screen = np.stack([1.0 - weight_b - weight_c, weight_b, weight_c], axis=1)
    corners = faces[face]
    weights = screen * near[corners] / nearness[:, None]
    return Fragments(camera, corners, weights.astype(np.float32), pixel[winner], (1.0 / nearness).astype(np.float32))


def _row_spans(triangles: Float64, camera: Camera) -> tuple[Int, Int, Int, Int]:
    """Where each picture row crosses each triangle [F, 3, 2]: (face, row, first column, one past the last)."""
    top = np.maximum(np.ceil(triangles[:, :, 1].min(axis=1)), 0).astype(np.int64)
    bottom = np.minimum(np.floor(triangles[:, :, 1].max(axis=1)), camera.height - 1).astype(np.int64)
    n_rows = np.maximum(bottom - top + 1, 0)
    face = np.repeat(np.arange(len(triangles)), n_rows)
    row = np.arange(len(face)) - np.repeat(np.cumsum(n_rows) - n_rows, n_rows) + top[face]

    left = np.full(len(face), np.inf)
    right = np.full(len(face), -np.inf)
    for i, j in ((0, 1), (1, 2), (2, 0)):
        p, q = triangles[:, i], triangles[:, j]
        # Both triangles of an edge must find the same crossing, to the bit: always walk it from its upper end.
        flip = (p[:, 1] > q[:, 1]) | ((p[:, 1] == q[:, 1]) & (p[:, 0] > q[:, 0]))
        upper, lower = np.where(flip[:, None], q, p), np.where(flip[:, None], p, q)
        height = lower[:, 1] - upper[:, 1]
        slope = np.divide(lower[:, 0] - upper[:, 0], height, out=np.zeros_like(height), where=height > 0)
        below = row - upper[face, 1]
        crosses = (below >= 0) & (row <= lower[face, 1])
        start = upper[face, 0] + below * slope[face]
        end = np.where(height[face] > 0, start, lower[face, 0])  # a level edge covers its whole length
        left = np.where(crosses, np.minimum(left, np.minimum(start, end)), left)
        right = np.where(crosses, np.maximum(right, np.maximum(start, end)), right)
    first = np.maximum(np.ceil(left), 0).astype(np.int64)
    stop = np.minimum(np.floor(right), camera.width - 1).astype(np.int64) + 1
    kept = stop > first
    return face[kept], row[kept], first[kept], stop[kept]


def _pixels_of(spans: tuple[Int, Int, Int, Int]) -> tuple[Int, Int, Int]:
    """Every pixel of the spans: (face, column, row)."""
    face, row, first, stop = spans
    n = stop - first
    column = np.arange(int(n.sum())) - np.repeat(np.cumsum(n) - n - first, n)
    return np.repeat(face, n), column, np.repeat(row, n)


def _nearest(pixel: Int, nearness: Float64, n_pixels: int) -> Int:
    """Indices of the candidates that are seen, ordered by pixel."""
    best = np.zeros(n_pixels)
    np.maximum.at(best, pixel, nearness)
    seen = np.flatnonzero(nearness == best[pixel])
    owner = np.full(n_pixels, -1, np.int64)
    owner[pixel[seen[::-1]]] = seen[::-1]  # of equals the first is written last
    return owner[owner >= 0]


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
    """A lit, smooth-shaded view of a mesh; ``colours`` [V, 3] per vertex, 0..1, other arguments as ``rasterise``."""
    fragments = rasterise(vertices, faces, camera.scaled(supersample))
    attributes = np.concatenate([colours, vertex_normals(vertices, faces), vertices], axis=1, dtype=np.float32)
    at = fragments.interpolate(attributes)
    return resolve(fragments, shade(at[:, :3], at[:, 3:6], at[:, 6:], light or Light()), camera)


def resolve(fragments: Fragments, colours: Float32, camera: Camera) -> Picture:
    """Average lit ``colours`` [P, 3] of supersampled fragments down to ``camera``'s pixels."""
    size = (camera.width, camera.height)
    sampled = fragments.image(np.concatenate([colours, np.ones((len(colours), 1), np.float32)], axis=1))
    mean = cv2.resize(sampled, size, interpolation=cv2.INTER_AREA)
    coverage = mean[:, :, 3]
    rgb = mean[:, :, :3] / np.maximum(coverage, 1e-6)[:, :, None]
    far = fragments.image(fragments.depth[:, None], np.inf)[:, :, 0]
    factor = fragments.camera.width // camera.width
    phases = [far[dy::factor, dx::factor] for dy in range(factor) for dx in range(factor)]
    depth = np.minimum.reduce(phases)
    return Picture((rgb * 255 + 0.5).astype(np.uint8), coverage.astype(np.float32), depth)
