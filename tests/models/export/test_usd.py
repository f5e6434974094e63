"""What a usda file says, deformed by UsdSkel's rules, is the model's mesh."""

import re
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from models.export.formats import export
from models.head.model import load_open_head
from tests.models.export.performances import lively, vertices_of

HEAD = load_open_head()
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?")


def attribute(text: str, name: str) -> np.ndarray:
    line = re.search(rf"{re.escape(name)} = (\[.*?\])(?: \(|\n)", text)
    assert line is not None, name
    return np.array(NUMBER.findall(line[1]), float)


def sample(text: str, name: str, frame: int) -> np.ndarray:
    block = text.split(f"{name}.timeSamples = {{")[1].split("}")[0]
    lines = dict(line.strip().split(": ", 1) for line in block.strip().splitlines())
    return np.array(NUMBER.findall(lines[str(frame)]), float)


def deformed(text: str, frame: int) -> np.ndarray:
    points = attribute(text, "point3f[] points").reshape(-1, 3)
    animated = re.search(r"SkelAnimation.*?blendShapes = \[(.*?)\]", text, re.DOTALL)
    assert animated is not None
    names = re.findall(r'"(\w+)"', animated[1])
    weights = sample(text, "blendShapeWeights", frame)
    for name, weight in zip(names, weights, strict=True):
        shape = text.split(f'def BlendShape "{name}"')[1]
        rows = attribute(shape, "pointIndices").astype(int)
        points[rows] += weight * attribute(shape, "offsets").reshape(-1, 3)
    places = sample(text, "translations", frame).reshape(-1, 3)
    turns = sample(text, "rotations", frame).reshape(-1, 4)[:, [1, 2, 3, 0]]  # real part first in USD
    binds = attribute(text, "bindTransforms").reshape(-1, 4, 4)  # row vectors
    paths = re.findall(r'"([\w/]+)"', text.split("joints = [")[1].split("]")[0])
    world: dict[str, np.ndarray] = {}
    for path, place, turn in zip(paths, places, turns, strict=True):
        local = np.eye(4)
        local[:3, :3], local[3, :3] = Rotation.from_quat(turn).as_matrix().T, place
        world[path] = local @ world.get(path.rpartition("/")[0], np.eye(4))
    joints = np.stack([np.linalg.inv(bind) @ world[path] for path, bind in zip(paths, binds, strict=True)])
    index = attribute(text, "jointIndices").astype(int).reshape(-1, 4)
    weight = attribute(text, "jointWeights").reshape(-1, 4)
    blended = np.einsum("vk,vkij->vij", weight, joints[index])
    return np.einsum("vi,vij->vj", np.pad(points, ((0, 0), (0, 1)), constant_values=1), blended)[:, :3]


def test_the_file_moves_as_the_model_does(tmp_path: Path) -> None:
    performance = lively(HEAD, n_frames=4)
    text = export(performance, HEAD, tmp_path / "head.usda").path.read_text()
    assert text.startswith("#usda 1.0\n")
    assert "timeCodesPerSecond = 25" in text
    assert "endTimeCode = 3" in text
    np.testing.assert_allclose(attribute(text, "primvars:st").reshape(-1, 2), HEAD.uv, atol=1e-6)
    np.testing.assert_array_equal(attribute(text, "primvars:st:indices").astype(int), HEAD.uv_faces.ravel())
    truth = vertices_of(performance, HEAD)
    for frame in (0, 3):
        assert np.abs(deformed(text, frame) - truth[frame]).max() < 1e-6
