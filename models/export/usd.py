"""A performance as USD in its text form (``.usda``): UsdSkel with blend shapes, 25 time codes a second.

Written by hand, since Pixar's library is not under a licence that every user can take. Sound is left out.
"""

from collections.abc import Iterable
from typing import Final

import numpy as np
import numpy.typing as npt

from models.export.content import Content
from models.export.rig import INFLUENCES, JOINT_NAMES, Rig, linear_colours, rig_of
from models.head.model import HeadModel
from models.render import vertex_normals
from schemas.arrays import Float32
from schemas.performance import Performance
from schemas.units import FRAME_RATE

NO_SOUND: Final = "the USD file holds no sound: play the speech beside it"


def to_usda(performance: Performance, head: HeadModel) -> Content:
    """The bytes of a ``.usda``. Axes as in ``schemas.units``: metres, y up."""
    rig = rig_of(performance, head)
    text = "\n".join(
        [
            _header(performance),
            'def SkelRoot "Avatar" (prepend apiSchemas = ["SkelBindingAPI"])\n{',
            "    rel skel:skeleton = </Avatar/Skeleton>",
            _skeleton(rig),
            _animation(rig),
            _mesh(rig, head),
            "}",
            "",
        ]
    )
    return Content(text.encode(), (NO_SOUND,))


def _header(performance: Performance) -> str:
    return f"""#usda 1.0
(
    customLayerData = {{ string headModel = "{performance.head_model}" }}
    defaultPrim = "Avatar"
    upAxis = "Y"
    metersPerUnit = 1
    timeCodesPerSecond = {int(FRAME_RATE)}
    framesPerSecond = {int(FRAME_RATE)}
    startTimeCode = 0
    endTimeCode = {performance.n_frames - 1}
)
"""


def _skeleton(rig: Rig) -> str:
    return f"""
    def Skeleton "Skeleton" (prepend apiSchemas = ["SkelBindingAPI"])
    {{
        uniform token[] joints = {_tokens(_joint_paths(rig))}
        uniform matrix4d[] bindTransforms = {_placements(rig.joints)}
        uniform matrix4d[] restTransforms = {_placements(rig.offsets)}
        rel skel:animationSource = </Avatar/Skeleton/Animation>
"""


def _animation(rig: Rig) -> str:
    places = np.repeat(rig.offsets[None], len(rig.times_s), axis=0)
    places[:, 0] = rig.root_translation
    real_first = rig.rotations[:, :, [3, 0, 1, 2]]
    lines = [
        "",
        '        def SkelAnimation "Animation"',
        "        {",
        f"            uniform token[] joints = {_tokens(_joint_paths(rig))}",
        f"            float3[] translations.timeSamples = {_samples(_tuples(frame) for frame in places)}",
        f"            quatf[] rotations.timeSamples = {_samples(_tuples(frame) for frame in real_first)}",
        f"            half3[] scales = {_tuples(np.ones_like(rig.joints))}",
    ]
    if rig.target_names:
        weights = _samples(_numbers(frame) for frame in rig.target_weights)
        lines += [
            f"            uniform token[] blendShapes = {_tokens(rig.target_names)}",
            f"            float[] blendShapeWeights.timeSamples = {weights}",
        ]
    return "\n".join([*lines, "        }", "    }"])


def _mesh(rig: Rig, head: HeadModel) -> str:
    vertex = 'interpolation = "vertex"'
    lines = [
        "",
        '    def Mesh "Head" (prepend apiSchemas = ["SkelBindingAPI"])',
        "    {",
        '        uniform token subdivisionScheme = "none"',
        f"        float3[] extent = {_tuples(np.stack([rig.points.min(axis=0), rig.points.max(axis=0)]))}",
        f"        int[] faceVertexCounts = {_numbers(np.full(len(rig.faces), 3))}",
        f"        int[] faceVertexIndices = {_numbers(rig.faces.ravel())}",
        f"        point3f[] points = {_tuples(rig.points)}",
        f"        normal3f[] normals = {_tuples(vertex_normals(rig.points, rig.faces))} ({vertex})",
        f"        color3f[] primvars:displayColor = {_tuples(linear_colours(head))} ({vertex})",
        f"        int[] primvars:skel:jointIndices = {_numbers(rig.joint_indices.ravel())} "
        f"(elementSize = {INFLUENCES}\n            {vertex})",
        f"        float[] primvars:skel:jointWeights = {_numbers(rig.joint_weights.ravel())} "
        f"(elementSize = {INFLUENCES}\n            {vertex})",
        f"        matrix4d primvars:skel:geomBindTransform = {_placements(np.zeros((1, 3), np.float32))[1:-1]}",
        "        rel skel:skeleton = </Avatar/Skeleton>",
    ]
    if head.uv is not None and head.uv_faces is not None:
        lines += [
            f'        texCoord2f[] primvars:st = {_tuples(head.uv)} (interpolation = "faceVarying")',
            f"        int[] primvars:st:indices = {_numbers(head.uv_faces.ravel())}",
        ]
    if rig.target_names:
        paths = ", ".join(f"</Avatar/Head/{name}>" for name in rig.target_names)
        lines += [
            f"        uniform token[] skel:blendShapes = {_tokens(rig.target_names)}",
            f"        rel skel:blendShapeTargets = [{paths}]",
        ]
    lines += [_blend_shape(name, target) for name, target in zip(rig.target_names, rig.targets, strict=True)]
    return "\n".join([*lines, "    }"])


def _blend_shape(name: str, target: Float32) -> str:
    moved = np.flatnonzero(target.any(axis=1))
    return f"""
        def BlendShape "{name}"
        {{
            uniform vector3f[] offsets = {_tuples(target[moved])}
            uniform int[] pointIndices = {_numbers(moved)}
        }}"""


def _joint_paths(rig: Rig) -> list[str]:
    paths: list[str] = []
    for name, parent in zip(JOINT_NAMES, rig.parents, strict=True):
        paths.append(f"{paths[parent]}/{name}" if parent >= 0 else name)
    return paths


def _samples(values: Iterable[str]) -> str:
    return (
        "{\n" + "".join(f"                {frame}: {value},\n" for frame, value in enumerate(values)) + "            }"
    )


def _placements(points: Float32) -> str:
    """Row-vector matrices that only move."""
    rows = "(1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0)"
    return "[" + ", ".join(f"({rows}, ({x:.9g}, {y:.9g}, {z:.9g}, 1))" for x, y, z in points.tolist()) + "]"


def _tokens(names: Iterable[str]) -> str:
    return "[" + ", ".join(f'"{name}"' for name in names) + "]"


def _numbers(values: npt.NDArray[np.number]) -> str:
    return "[" + ", ".join([f"{v:.8g}" for v in values.tolist()]) + "]"


def _tuples(values: Float32) -> str:
    return "[" + ", ".join(["(" + ", ".join([f"{v:.8g}" for v in row]) + ")" for row in values.tolist()]) + "]"
