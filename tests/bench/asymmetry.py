"""What MediaPipe sees of asymmetry in symmetric faces, ``models/data/asymmetry.npz``:

    python -m tests.bench.asymmetry -o models/data/asymmetry.npz

Invented people, whose faces are symmetric but for what they do with them, are rendered in many poses; what MediaPipe
shows of them is laid on the pose by least squares. How well a mirrored video is told is shown by `make bench-faults`.
"""

import argparse
from pathlib import Path

import numpy as np
from rich.progress import track

from flows.settings import Settings
from models.assets import AssetStore
from models.evidence.asymmetry import seen_asymmetry
from models.head.embed import views
from models.head.model import load_open_head
from models.landmarks import FaceLandmarker

SEED = 4_001  # nobody the program invents elsewhere


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--renders", type=int, default=6000, help="the last fifth are not learned from")
    options = parser.parse_args()
    head = load_open_head()
    mean_face = head.landmarks(head.template)
    seen = []
    with FaceLandmarker(AssetStore(Settings.load().assets).path("face-landmarker")) as landmarker:
        for view in track(views(head, options.renders, SEED), total=options.renders):
            landmarker.restart()
            if len(found := landmarker.find(view.image)):
                seen.append(seen_asymmetry(found.landmarks[:1], mean_face))
    faces, turns = (np.concatenate(part).astype(np.float64) for part in zip(*seen, strict=True))
    terms = np.pad(turns, ((0, 0), (1, 0)), constant_values=1)
    taught = np.arange(len(faces)) < 0.8 * len(faces)
    usual = np.linalg.lstsq(terms[taught], faces[taught], rcond=None)[0].astype(np.float32)
    np.savez(options.out, of_any_face=usual[0], by_turn=usual[1:])
    left = faces[~taught] - terms[~taught] @ usual
    about = faces[~taught] - faces[taught].mean(0)
    print(f"{len(faces)} renders in which there is a face; of {(~taught).sum()} not learned from:")
    print(
        f"  explained {1 - (left**2).sum() / (about**2).sum():.1%}, left {np.linalg.norm(left, axis=1).mean():.1f} mm"
    )


if __name__ == "__main__":
    main()
