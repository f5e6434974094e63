"""The rasteriser against a reference that asks every triangle at every pixel, and against geometry."""

import numpy as np
import pytest
from scipy.spatial import ConvexHull

from models.head.model import load_open_head
from models.head.regions import base_colours
from models.render import (
    Camera,
    Light,
    no_depth,
    paint,
    rasterise,
    render,
    resolve,
    shade,
    vertex_normals,
)
from schemas.arrays import Float32

CAMERA = Camera(48, 40, 60.0, (23.5, 19.5))


def bumpy_patch(seed: int) -> tuple[Float32, np.ndarray]:
    """A rough sheet of 2 x 7 x 7 triangles facing the camera, overlapping itself."""
    rng = np.random.default_rng(seed)
    x, y = np.meshgrid(np.linspace(-0.4, 0.4, 8), np.linspace(-0.3, 0.3, 8))
    flat = np.stack([x, y, np.full_like(x, -1.2)], axis=-1).reshape(-1, 3)
    vertices = (flat + rng.normal(0, 0.06, flat.shape)).astype(np.float32)
    corner = (np.arange(7)[:, None] * 8 + np.arange(7)).ravel()
    lower = np.stack([corner, corner + 1, corner + 9], axis=1)
    upper = np.stack([corner, corner + 9, corner + 8], axis=1)
    return vertices, np.concatenate([lower, upper])


def reference(vertices: Float32, faces: np.ndarray, camera: Camera) -> tuple[np.ndarray, np.ndarray]:
    """Nearest depth and face of every pixel, by meeting every triangle's plane with every pixel's ray."""
    cx, cy = camera.principal_point_px
    row, column = np.mgrid[: camera.height, : camera.width]
    rays = np.stack([(column - cx) / camera.focal_px, (cy - row) / camera.focal_px, -np.ones(row.shape)], axis=-1)
    depth = np.full(row.shape, np.inf)
    owner = np.full(row.shape, -1)
    for k, (a, b, c) in enumerate(vertices[faces].astype(np.float64)):
        weights = rays @ np.linalg.inv(np.stack([a, b, c], axis=1)).T
        distance = 1.0 / weights.sum(axis=-1)
        seen = (rays @ np.cross(b - a, c - a) < 0) & (weights.min(axis=-1) >= 0) & (distance < depth)
        depth[seen], owner[seen] = distance[seen], k
    return depth, owner


@pytest.mark.parametrize("seed", [0, 1])
def test_every_pixel_agrees_with_ray_casting(seed: int) -> None:
    vertices, faces = bumpy_patch(seed)
    depth, owner = reference(vertices, faces, CAMERA)
    fragments = rasterise(vertices, faces, CAMERA)
    ours = fragments.image(fragments.depth[:, None], np.inf)[:, :, 0]
    np.testing.assert_allclose(ours, depth, rtol=1e-5)
    np.testing.assert_array_equal(fragments.corners, faces[owner[owner >= 0]])


def test_interpolation_is_perspective_correct() -> None:
    vertices, faces = bumpy_patch(2)
    fragments = rasterise(vertices, faces, CAMERA)
    points = fragments.interpolate(vertices)
    row, column = np.divmod(fragments.pixel, CAMERA.width)
    np.testing.assert_allclose(CAMERA.project(points), np.stack([column, row], axis=1), atol=1e-3)
    np.testing.assert_allclose(-points[:, 2], fragments.depth, rtol=1e-5)


def test_a_closed_sheet_has_no_cracks() -> None:
    rng = np.random.default_rng(3)
    x, y = np.meshgrid(np.linspace(-1, 1, 30), np.linspace(-1, 1, 30))
    inner = (np.abs(x) < 1) & (np.abs(y) < 1)
    jitter = rng.normal(0, 0.008, (2, 30, 30)) * inner
    vertices = np.stack([x + jitter[0], y + jitter[1], np.full_like(x, -1)], axis=-1).reshape(-1, 3)
    corner = (np.arange(29)[:, None] * 30 + np.arange(29)).ravel()
    faces = np.concatenate(
        [np.stack([corner, corner + 1, corner + 31], 1), np.stack([corner, corner + 31, corner + 30], 1)]
    )
    camera = Camera(101, 101, 50.0, (50.0, 50.0))
    assert len(rasterise(vertices.astype(np.float32), faces, camera).pixel) == 101 * 101


def test_back_faces_and_what_lies_behind_the_camera_are_not_seen() -> None:
    towards_us = np.array([[-0.1, -0.1, -1], [0.1, -0.1, -1], [0, 0.1, -1]], np.float32)
    faces = np.array([[0, 1, 2]])
    away = faces[:, ::-1].copy()
    n_pixels = len(rasterise(towards_us, faces, CAMERA).pixel)
    assert n_pixels > 50
    assert len(rasterise(towards_us, away, CAMERA).pixel) == 0
    assert len(rasterise(towards_us, away, CAMERA, cull_back_faces=False).pixel) == n_pixels
    assert len(rasterise(-towards_us, faces, CAMERA, cull_back_faces=False).pixel) == 0


def test_the_subjects_left_is_at_the_right_of_the_picture_and_up_is_up() -> None:
    triangle = np.array([[0.1, 0.1, -1], [0.12, 0.12, -1], [0.1, 0.12, -1]], np.float32)
    u, v = CAMERA.project(triangle).mean(axis=0)
    assert u > CAMERA.principal_point_px[0]
    assert v < CAMERA.principal_point_px[1]


def test_normals_of_a_sphere_point_outward() -> None:
    rng = np.random.default_rng(0)
    points = rng.normal(size=(400, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    hull = ConvexHull(points)
    a, b, c = (points[hull.simplices[:, i]] for i in range(3))
    outward = np.einsum("fk,fk->f", np.cross(b - a, c - a), hull.equations[:, :3]) > 0
    faces = np.where(outward[:, None], hull.simplices, hull.simplices[:, ::-1])
    normals = vertex_normals(points.astype(np.float32), faces)
    assert np.einsum("vk,vk->v", normals, points).min() > 0.95


def test_a_surface_turned_to_the_lamp_is_brighter() -> None:
    light = Light(towards=(0, 0, 1), specular=0.0)
    normals = np.array([[0, 0, 1], [0.8, 0, 0.6], [0, 0, -1]], np.float32)
    points = np.array([[0, 0, -1]] * 3, np.float32)
    lit = shade(np.full((3, 3), 0.5, np.float32), normals, points, light)[:, 0]
    np.testing.assert_allclose(lit, 0.5 * (light.ambient + light.diffuse * np.array([1, 0.6, 0])), rtol=1e-5)


def test_supersampling_softens_the_outline_and_moves_nothing() -> None:
    vertices, faces = bumpy_patch(4)
    colours = np.full_like(vertices, 0.7)
    sharp, soft = (render(vertices, faces, colours, CAMERA, supersample=n) for n in (1, 3))
    assert set(np.unique(sharp.coverage)) == {0.0, 1.0}
    assert ((soft.coverage > 0.05) & (soft.coverage < 0.95)).any()
    assert abs(soft.coverage.sum() - sharp.coverage.sum()) < 0.03 * sharp.coverage.sum()
    assert np.isinf(soft.depth[soft.coverage == 0]).all()
    white = np.full((CAMERA.height, CAMERA.width, 3), 255, np.uint8)
    np.testing.assert_array_equal(soft.over(white)[soft.coverage == 0], 255)


def test_the_same_mesh_gives_the_same_bits() -> None:
    vertices, faces = bumpy_patch(5)
    colours = np.abs(vertices)
    first, second = (render(vertices, faces, colours, CAMERA, supersample=2) for _ in range(2))
    np.testing.assert_array_equal(first.rgb, second.rgb)


def test_paint_respects_what_is_already_nearer() -> None:
    near = np.array([[-0.1, -0.1, -1], [0.1, -0.1, -1], [0, 0.1, -1]], np.float32)
    far = near * np.float32(1.5) + np.array([0.05, 0, 0], np.float32)
    faces = np.array([[0, 1, 2]])
    red, blue = (np.tile(np.eye(3, dtype=np.float32)[k], (3, 1)) for k in (0, 2))
    pictures = []
    for order in (((near, red), (far, blue)), ((far, blue), (near, red))):
        canvas, depth = np.zeros((CAMERA.height, CAMERA.width, 3), np.float32), no_depth(CAMERA)
        for vertices, colours in order:
            paint(canvas, depth, vertices, faces, colours, CAMERA)
        pictures.append(canvas)
    np.testing.assert_array_equal(*pictures)
    assert (pictures[0][:, :, 0] == 1).any()
    assert (pictures[0][:, :, 2] == 1).any()


def test_a_part_of_the_picture_is_drawn_as_in_the_whole() -> None:
    vertices, faces = bumpy_patch(6)
    colours = np.abs(vertices).clip(0, 1)
    cx, cy = CAMERA.principal_point_px
    part = Camera(20, 14, CAMERA.focal_px, (cx - 11, cy - 9))
    whole, cut = (np.zeros((c.height, c.width, 3), np.float32) for c in (CAMERA, part))
    paint(whole, no_depth(CAMERA), vertices, faces, colours, CAMERA)
    paint(cut, no_depth(part), vertices, faces, colours, part)
    np.testing.assert_allclose(cut, whole[9:23, 11:31], atol=1e-4)


def test_lighting_the_vertices_is_as_good_as_lighting_every_pixel() -> None:
    head = load_open_head()
    vertices = head.template + np.array([0, 0, -0.8], np.float32)
    camera = Camera(160, 160, 380.0, (79.5, 79.5))
    colours = (base_colours(head.region) / 255).astype(np.float32)
    quick = render(vertices, head.faces, colours, camera)
    fragments = rasterise(vertices, head.faces, camera)
    attributes = np.concatenate([colours, vertex_normals(vertices, head.faces), vertices], axis=1)
    at = fragments.interpolate(attributes)
    exact = resolve(fragments, shade(at[:, :3], at[:, 3:6], at[:, 6:], Light()), camera)
    np.testing.assert_array_equal(quick.coverage, exact.coverage)
    np.testing.assert_allclose(quick.depth, exact.depth, rtol=1e-4)
    error = (quick.rgb.astype(float) - exact.rgb)[quick.coverage == 1]
    assert 10 * np.log10(255**2 / (error**2).mean()) > 42
