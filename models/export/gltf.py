"""A performance as binary glTF 2.0: one skinned mesh with morph targets, and an animation of 25 keys a second.

Vertices keep the model's order; those on a seam of its texture come again at the end, for glTF knows one place of the
texture a vertex. Sound is no part of glTF. Materials are plain: vertex colours on skin, and on the wet parts (eyes,
teeth, mouth).
"""

import json
import struct
from enum import IntEnum
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from models.export.content import Content
from models.export.rig import JOINT_NAMES, Rig, linear_colours, rig_of
from models.head.model import NECK, HeadModel
from models.head.regions import EYEBALLS, Region
from models.head.texture import Unwrapped
from models.render import vertex_normals
from schemas.arrays import Float32, Int32
from schemas.performance import Performance
from schemas.units import FRAME_RATE

NO_SOUND: Final = "glTF holds no sound: play the speech beside it"

_WET: Final = (*EYEBALLS, Region.TEETH, Region.TONGUE, Region.MOUTH)
_MAGIC, _JSON, _BIN = 0x46546C67, 0x4E4F534A, 0x004E4942
_TYPES: Final = {(): "SCALAR", (2,): "VEC2", (3,): "VEC3", (4,): "VEC4", (4, 4): "MAT4"}
_COMPONENTS: Final = {np.dtype(np.uint8): 5121, np.dtype(np.uint16): 5123, np.dtype(np.uint32): 5125}
_FLOAT: Final = 5126


class _Target(IntEnum):
    """What a buffer view is for (``bufferView.target``)."""

    NOTHING = 0
    VERTICES = 34962
    INDICES = 34963


class _Buffer:
    """The binary chunk and the accessors that describe it."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._length = 0
        self.views: list[dict[str, Any]] = []
        self.accessors: list[dict[str, Any]] = []

    def add(self, values: npt.NDArray[Any], target: _Target = _Target.NOTHING, bounds: bool = False) -> int:
        """Store ``values`` [N, ...]; the accessor's index. ``bounds`` are asked of positions and of key times."""
        accessor = {"bufferView": self._view(values, target), **_described(values)}
        if values.dtype in (np.uint8, np.uint16) and target is _Target.VERTICES and values.shape[1:] == (4,):
            accessor["normalized"] = values.dtype == np.uint16
        if bounds:
            accessor |= _bounds(values)
        return self._accessor(accessor)

    def add_displacement(self, values: Float32) -> int:
        """Store ``values`` [V, 3], of which many rows are zero; the accessor's index."""
        moved = np.flatnonzero(values.any(axis=1))
        accessor = {**_described(values), **_bounds(values)}
        if 16 * len(moved) >= 12 * len(values):
            accessor["bufferView"] = self._view(values, _Target.VERTICES)
        elif len(moved) > 0:
            rows = moved.astype(np.uint16 if len(values) <= 2**16 else np.uint32)
            accessor["sparse"] = {
                "count": len(moved),
                "indices": {"bufferView": self._view(rows), "componentType": _COMPONENTS[rows.dtype]},
                "values": {"bufferView": self._view(values[moved])},
            }
        return self._accessor(accessor)

    def _accessor(self, accessor: dict[str, Any]) -> int:
        self.accessors.append(accessor)
        return len(self.accessors) - 1

    def _view(self, values: npt.NDArray[Any], target: _Target = _Target.NOTHING) -> int:
        data = np.ascontiguousarray(values, values.dtype.newbyteorder("<")).tobytes()
        view: dict[str, Any] = {"buffer": 0, "byteOffset": self._length, "byteLength": len(data)}
        if target is not _Target.NOTHING:
            view["target"] = int(target)
        self.views.append(view)
        data += b"\0" * (-len(data) % 4)
        self._parts.append(data)
        self._length += len(data)
        return len(self.views) - 1

    def data(self) -> bytes:
        return b"".join(self._parts)


def _described(values: npt.NDArray[Any]) -> dict[str, Any]:
    component = _COMPONENTS.get(values.dtype, _FLOAT)
    return {"componentType": component, "count": len(values), "type": _TYPES[values.shape[1:]]}


def _bounds(values: npt.NDArray[Any]) -> dict[str, Any]:
    flat = values.reshape(len(values), -1)
    return {"min": flat.min(axis=0).tolist(), "max": flat.max(axis=0).tolist()}


def to_glb(performance: Performance, head: HeadModel) -> Content:
    """The bytes of a ``.glb``."""
    rig = rig_of(performance, head)
    buffer = _Buffer()
    mesh = _mesh(rig, head, buffer)
    to_joint = np.tile(np.eye(4, dtype=np.float32), (len(rig.joints), 1, 1))
    to_joint[:, :3, 3] = -rig.joints
    inverse_bind = buffer.add(np.swapaxes(to_joint, 1, 2))  # columns come first in glTF
    document = {
        "asset": {"version": "2.0", "generator": "xtalker"},
        "extras": {"headModel": performance.head_model, "frameRate": float(FRAME_RATE)},
        "scene": 0,
        "scenes": [{"nodes": [0, 1]}],
        "nodes": [{"name": "head", "mesh": 0, "skin": 0}, *_joint_nodes(rig)],
        "meshes": [mesh],
        "skins": [
            {"joints": [1 + k for k in range(len(rig.joints))], "skeleton": 1, "inverseBindMatrices": inverse_bind}
        ],
        "materials": [_material("skin", roughness=0.65), _material("wet", roughness=0.2)],
        "animations": [_animation(rig, buffer)],
        "accessors": buffer.accessors,
        "bufferViews": buffer.views,
    }
    binary = buffer.data()
    document["buffers"] = [{"byteLength": len(binary)}]
    return Content(_container(document, binary), (NO_SOUND,))


def _mesh(rig: Rig, head: HeadModel, buffer: _Buffer) -> dict[str, Any]:
    cut = Unwrapped.of(head)
    of_head = np.arange(len(rig.points)) if cut is None else cut.vertices
    attributes = {
        "POSITION": buffer.add(rig.points[of_head], _Target.VERTICES, bounds=True),
        "NORMAL": buffer.add(vertex_normals(rig.points, rig.faces)[of_head], _Target.VERTICES),
        "COLOR_0": buffer.add(_colours(head)[of_head], _Target.VERTICES),
        "JOINTS_0": buffer.add(rig.joint_indices[of_head], _Target.VERTICES),
        "WEIGHTS_0": buffer.add(rig.joint_weights[of_head], _Target.VERTICES),
    }
    if cut is not None:
        attributes["TEXCOORD_0"] = buffer.add(cut.from_the_top, _Target.VERTICES)
    targets = [{"POSITION": buffer.add_displacement(target[of_head])} for target in rig.targets]
    wet = head.mask(*_WET)[rig.faces].all(axis=1)
    faces = rig.faces if cut is None else cut.faces
    primitives = [_primitive(attributes, targets, faces[part], k, buffer) for k, part in enumerate((~wet, wet))]
    mesh: dict[str, Any] = {"name": "head", "primitives": primitives}
    if targets:
        mesh |= {"weights": [0.0] * len(targets), "extras": {"targetNames": list(rig.target_names)}}
    return mesh


def _primitive(
    attributes: dict[str, int], targets: list[dict[str, int]], faces: Int32, material: int, buffer: _Buffer
) -> dict[str, Any]:
    kind = np.uint16 if faces.max(initial=0) < 2**16 - 1 else np.uint32
    indices = buffer.add(faces.astype(kind).ravel(), _Target.INDICES)
    primitive: dict[str, Any] = {"attributes": attributes, "indices": indices, "material": material}
    return primitive | ({"targets": targets} if targets else {})


def _joint_nodes(rig: Rig) -> list[dict[str, Any]]:
    nodes = []
    for k, (name, away) in enumerate(zip(JOINT_NAMES, rig.offsets, strict=True)):
        children = [1 + child for child, above in enumerate(rig.parents) if above == k]
        nodes.append({"name": name, "translation": away.tolist()} | ({"children": children} if children else {}))
    return nodes


def _animation(rig: Rig, buffer: _Buffer) -> dict[str, Any]:
    times = buffer.add(rig.times_s, bounds=True)
    tracks = [(1, "translation", rig.root_translation)]
    tracks += [(1 + k, "rotation", rig.rotations[:, k]) for k in range(len(rig.joints)) if k != NECK]
    if rig.target_names:
        tracks.append((0, "weights", rig.target_weights.ravel()))
    samplers = [{"input": times, "output": buffer.add(values)} for _, _, values in tracks]
    channels = [{"sampler": k, "target": {"node": node, "path": path}} for k, (node, path, _) in enumerate(tracks)]
    return {"name": "performance", "samplers": samplers, "channels": channels}


def _colours(head: HeadModel) -> npt.NDArray[np.uint16]:
    """[V, 4] vertex colours, opaque."""
    return np.pad(np.round(linear_colours(head) * 65535).astype(np.uint16), ((0, 0), (0, 1)), constant_values=65535)


def _material(name: str, roughness: float) -> dict[str, Any]:
    return {"name": name, "pbrMetallicRoughness": {"metallicFactor": 0.0, "roughnessFactor": roughness}}


def _container(document: dict[str, Any], binary: bytes) -> bytes:
    text = json.dumps(document, separators=(",", ":"), allow_nan=False).encode()
    text += b" " * (-len(text) % 4)
    total = 12 + 8 + len(text) + 8 + len(binary)
    head = struct.pack("<III", _MAGIC, 2, total)
    return head + struct.pack("<II", len(text), _JSON) + text + struct.pack("<II", len(binary), _BIN) + binary
