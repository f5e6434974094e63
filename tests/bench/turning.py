"""What MediaPipe makes of heads that turn, ``models/data/asymmetry.npz`` and ``turning.npz``:

    python -m tests.bench.turning -o models/data

Invented people, whose faces are symmetric but for what they do with them, are rendered in many poses. By least squares
the pose is made to tell how far MediaPipe's points that expressions move little lie from the true ones, and what it
shows of asymmetry. `make bench-faults` shows what that is good for.
"""

import argparse
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rich.progress import track

from flows.settings import Settings
from models.assets import AssetStore
from models.evidence.asymmetry import seen_asymmetry
from models.evidence.turning import laid_on, turns
from models.fit.basis import LandmarkBasis
from models.head.embed import views
from models.head.model import load_open_head
from models.landmarks import FaceLandmarker
from schemas.units import N_MESH_POINTS

SEED = 4_001  # nobody the program invents elsewhere
TAUGHT = 0.8

Float64 = npt.NDArray[np.float64]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--out", type=Path, required=True, help="folder")
    parser.add_argument("--renders", type=int, default=6000, help="the last fifth are not learned from")
    options = parser.parse_args()
    head = load_open_head()
    mean_face, points = head.landmarks(head.template), unmoved(LandmarkBasis.of(head))
    shown, true = [], []
    with FaceLandmarker(AssetStore(Settings.load().assets).path("face-landmarker")) as landmarker:
        for view in track(views(head, options.renders, SEED), total=options.renders):
            landmarker.restart()
            if len(found := landmarker.find(view.image)):
                shown.append(found.landmarks[0])
                true.append(head.landmarks(view.vertices[None])[0] * [1, -1, -1])
    seen, truth = np.array(shown, np.float32), np.array(true, np.float32)
    faces, angles = laid_on(mean_face, seen, points)
    off = (faces - laid_on(mean_face, truth, points)[0])[:, points, :2]
    by_turn = learned("points at rest", turns(angles), off.reshape(len(off), -1))[1:]
    np.savez(options.out / "turning.npz", points=points.astype(np.int16), by_turn=by_turn.reshape(-1, *off.shape[1:]))
    uneven, odd = seen_asymmetry(seen, mean_face)
    usual = learned("asymmetry", odd, uneven)
    np.savez(options.out / "asymmetry.npz", of_any_face=usual[0], by_turn=usual[1:])


def unmoved(basis: LandmarkBasis) -> npt.NDArray[np.intp]:
    """The points of the mesh that expressions move less than the median, and the jaw not."""
    moved = np.linalg.norm(basis.expression[:N_MESH_POINTS], axis=(1, 2))
    with_jaw = (basis.weight[:N_MESH_POINTS] >= 0.05) & (basis.joint[:N_MESH_POINTS] == 0)
    return np.flatnonzero((moved < np.median(moved)) & ~with_jaw)


def learned(what: str, terms: npt.NDArray[np.float32], values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """[1 + K, D] least squares of ``values`` [N, D] on a one and ``terms`` [N, K]."""
    x, y = np.pad(terms.astype(np.float64), ((0, 0), (1, 0)), constant_values=1), values.astype(np.float64)
    taught = np.arange(len(x)) < TAUGHT * len(x)
    weights = np.linalg.lstsq(x[taught], y[taught], rcond=None)[0]
    left, about = y[~taught] - x[~taught] @ weights, y[~taught] - y[taught].mean(0)
    explained = 1 - (left**2).sum() / (about**2).sum()
    print(f"{what}: of {(~taught).sum()} renders not learned from explained {explained:.1%}; {_rms(left):.2f} mm left")
    return weights.astype(np.float32)


def _rms(values: Float64) -> float:
    return float(np.sqrt((values**2).mean()))


if __name__ == "__main__":
    main()
