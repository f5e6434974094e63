"""A glb is read back as a viewer would: accessors, morph targets, joint hierarchy, skinning."""

import json
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from models.export.formats import export
from models.head.model import HeadModel, load_open_head
from models.head.texture import Unwrapped
from tests.models.export.performances import lively, vertices_of
from tests.models.flame.dressed import dressed_head

HEAD = load_open_head()
COMPONENTS = {5121: np.uint8, 5123: np.uint16, 5125: np.uint32, 5126: np.float32}
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}


class Glb:
    def __init__(self, path: Path) -> None:
        data = path.read_bytes()
        magic, version, length = struct.unpack_from("<4sII", data)
        assert (magic, version, length) == (b"glTF", 2, len(data))
        text_length, kind = struct.unpack_from("<I4s", data, 12)
        assert kind == b"JSON"
        self.json: dict[str, Any] = json.loads(data[20 : 20 + text_length])
        binary_length, kind = struct.unpack_from("<I4s", data, 20 + text_length)
        assert kind == b"BIN\0"
        self.binary = data[28 + text_length :]
        assert len(self.binary) == binary_length == self.json["buffers"][0]["byteLength"]

    def array(self, index: int) -> np.ndarray:
        accessor = self.json["accessors"][index]
        shape = (accessor["count"], WIDTHS[accessor["type"]])
        out = np.zeros(shape, COMPONENTS[accessor["componentType"]])
        if "bufferView" in accessor:
            out[:] = self._view(accessor["bufferView"], out.dtype).reshape(shape)
        if "sparse" in accessor:
            sparse = accessor["sparse"]
            rows = self._view(sparse["indices"]["bufferView"], COMPONENTS[sparse["indices"]["componentType"]])
            out[rows] = self._view(sparse["values"]["bufferView"], out.dtype).reshape(sparse["count"], -1)
        if "min" in accessor:
            np.testing.assert_array_equal(out.min(axis=0), np.float32(accessor["min"]))
            np.testing.assert_array_equal(out.max(axis=0), np.float32(accessor["max"]))
        return out

    def _view(self, index: int, dtype: Any) -> np.ndarray:
        view = self.json["bufferViews"][index]
        assert view["byteOffset"] % 4 == 0
        return np.frombuffer(self.binary, dtype, view["byteLength"] // np.dtype(dtype).itemsize, view["byteOffset"])

    def track(self, node: int, path: str) -> np.ndarray | None:
        animation = self.json["animations"][0]
        for channel in animation["channels"]:
            if channel["target"] == {"node": node, "path": path}:
                return self.array(animation["samplers"][channel["sampler"]]["output"])
        return None

    def vertices(self, frame: int) -> np.ndarray:
        primitive = self.json["meshes"][0]["primitives"][0]
        attributes = {name: self.array(k) for name, k in primitive["attributes"].items()}
        points = attributes["POSITION"].astype(np.float64)
        targets = primitive.get("targets", [])
        weights = self.track(0, "weights")
        for k, target in enumerate(targets):
            points += weights.reshape(-1, len(targets))[frame, k] * self.array(target["POSITION"])
        world: dict[int, np.ndarray] = {}

        def place(node: int, parent: np.ndarray) -> None:
            spec = self.json["nodes"][node]
            moved, turned = self.track(node, "translation"), self.track(node, "rotation")
            local = np.eye(4)
            local[:3, 3] = spec["translation"] if moved is None else moved[frame]
            if turned is not None:
                local[:3, :3] = Rotation.from_quat(turned[frame]).as_matrix()
            world[node] = parent @ local
            for child in spec.get("children", []):
                place(child, world[node])

        place(1, np.eye(4))
        skin = self.json["skins"][0]
        inverse_bind = self.array(skin["inverseBindMatrices"]).reshape(-1, 4, 4).swapaxes(1, 2)
        joints = np.stack([world[node] for node in skin["joints"]]) @ inverse_bind
        blended = np.einsum("vk,vkij->vij", attributes["WEIGHTS_0"], joints[attributes["JOINTS_0"]])
        return np.einsum("vij,vj->vi", blended[:, :3, :3], points) + blended[:, :3, 3]


@pytest.mark.parametrize("head", [HEAD, dressed_head()], ids=["open", "FLAME"])
def test_a_viewer_sees_the_models_vertices(tmp_path: Path, head: HeadModel) -> None:
    performance = lively(head)
    glb = Glb(export(performance, head, tmp_path / "head.glb").path)
    truth = vertices_of(performance, head)
    for frame in (0, 5, 11):
        seen = glb.vertices(frame)[: len(head.template)]  # the model's own, before those that lie on a seam again
        assert np.abs(seen - truth[frame]).max() < 1e-6  # a thousandth of a millimetre


def test_targets_are_the_used_actions_by_name(tmp_path: Path) -> None:
    performance = lively(HEAD)
    glb = Glb(export(performance, HEAD, tmp_path / "head.glb").path)
    used = performance.expression.any(axis=0)
    names = [name for name, kept in zip(HEAD.expression_names, used, strict=True) if kept]
    assert 0 < len(names) < 50
    assert glb.json["meshes"][0]["extras"]["targetNames"] == names
    for primitive in glb.json["meshes"][0]["primitives"]:
        assert len(primitive["targets"]) == len(names)
    times = glb.array(glb.json["animations"][0]["samplers"][0]["input"])[:, 0]
    np.testing.assert_allclose(times, np.arange(performance.n_frames) / 25, rtol=1e-6)


def test_every_triangle_has_a_material_and_skin_is_not_wet(tmp_path: Path) -> None:
    glb = Glb(export(lively(HEAD), HEAD, tmp_path / "head.glb").path)
    primitives = glb.json["meshes"][0]["primitives"]
    faces = [glb.array(p["indices"]).reshape(-1, 3) for p in primitives]
    vertices = Unwrapped.of(HEAD).vertices
    assert {tuple(vertices[t]) for part in faces for t in part} == {tuple(t) for t in HEAD.faces}
    names = [glb.json["materials"][p["material"]]["name"] for p in primitives]
    assert names == ["skin", "wet"]
    assert len(faces[0]) > len(faces[1]) > 500


def test_a_still_face_has_no_targets(tmp_path: Path) -> None:
    performance = replace(lively(HEAD), expression=np.zeros((12, 50), np.float32))
    glb = Glb(export(performance, HEAD, tmp_path / "head.glb").path)
    assert "targets" not in glb.json["meshes"][0]["primitives"][0]
    assert np.abs(glb.vertices(3)[: len(HEAD.template)] - vertices_of(performance, HEAD)[3]).max() < 1e-6


def test_every_corner_has_its_place_on_the_texture(tmp_path: Path) -> None:
    glb = Glb(export(lively(HEAD), HEAD, tmp_path / "head.glb").path)
    primitives = glb.json["meshes"][0]["primitives"]
    uv = glb.array(primitives[0]["attributes"]["TEXCOORD_0"])
    cut = Unwrapped.of(HEAD)
    assert len(uv) == len(cut.vertices) > len(HEAD.template)
    points = glb.vertices(5)
    np.testing.assert_allclose(points, points[cut.vertices], atol=1e-6)  # a seam stays shut
    corners = np.concatenate([glb.array(p["indices"]).reshape(-1, 3) for p in primitives])
    upwards = (uv * [1, -1] + [0, 1])[corners]  # glTF counts from the top
    found = {tuple(cut.vertices[c]): places for c, places in zip(corners, upwards, strict=True)}
    for face, places in zip(HEAD.faces, HEAD.uv[HEAD.uv_faces], strict=True):
        assert np.abs(found[tuple(face)] - places).max() < 1e-6


def test_rotations_take_the_short_way(tmp_path: Path) -> None:
    angle = np.linspace(3.0, 3.3, 12)  # past half a turn, where the axis flips
    rotation = np.where(angle > np.pi, angle - 2 * np.pi, angle)[:, None] * np.array([0, 1, 0])
    performance = replace(lively(HEAD), global_rotation=rotation.astype(np.float32))
    glb = Glb(export(performance, HEAD, tmp_path / "head.glb").path)
    turns = glb.track(1, "rotation")
    assert turns is not None
    assert (turns[1:] * turns[:-1]).sum(axis=1).min() > 0.99
    np.testing.assert_allclose(np.linalg.norm(turns, axis=1), 1, atol=1e-6)


def test_sound_is_said_to_be_missing(tmp_path: Path) -> None:
    assert any("sound" in note for note in export(lively(HEAD), HEAD, tmp_path / "head.glb").notes)


@pytest.mark.parametrize("n_frames", [1, 2])
def test_a_performance_may_be_one_frame(tmp_path: Path, n_frames: int) -> None:
    performance = lively(HEAD, n_frames)
    glb = Glb(export(performance, HEAD, tmp_path / "head.glb").path)
    seen = glb.vertices(n_frames - 1)[: len(HEAD.template)]
    assert np.abs(seen - vertices_of(performance, HEAD)[-1]).max() < 1e-6
