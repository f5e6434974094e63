"""What MediaPipe sees of asymmetry in any face, ``models/data/asymmetry.npz``, and how well a mirrored video is told:

    python -m tests.bench.asymmetry VIDEOS... -o models/data/asymmetry.npz --known grid_s1_

Every video is looked at as it is and in a mirror. Half the sum of the two is MediaPipe's own; it is learned from the
videos whose names do not begin with ``--known``, and tried on those that do: one person's, each against all others.
"""

import argparse
from pathlib import Path

import numpy as np

from flows.journey import candidates
from flows.kit import load_kit
from flows.recipe import load_recipe
from flows.settings import Settings
from models.evidence.asymmetry import seen_asymmetry
from models.landmarks import FaceFinder
from schemas.arrays import Float32
from schemas.clip import Clip
from schemas.source import Offer, SourceVideo
from tasks.ingest import ingest
from tasks.observe import observe
from tests.faults import Mirroring


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("videos", type=Path, nargs="+")
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--known", required=True, help="how the names of one person's videos begin")
    options = parser.parse_args()
    recipe = load_recipe()
    kit = load_kit(Settings.load().assets, recipe)
    mean_face = kit.head.landmarks(kit.head.template)

    def look(video: Path, finder: FaceFinder) -> Float32 | None:
        source = ingest(Offer(video), recipe.ingest)
        assert isinstance(source, SourceVideo)
        for part in observe(source, finder, recipe.observe):
            for clip in candidates(part, recipe, kit, lambda _: None):
                if isinstance(clip, Clip):
                    return seen_asymmetry(clip.landmarks, clip.present, mean_face)
        return None

    with kit.landmarker:
        pairs = {v.name: (look(v, kit.landmarker), look(v, Mirroring(kit.landmarker))) for v in options.videos}
    found = {name: (a, b) for name, (a, b) in pairs.items() if a is not None and b is not None}
    teaching = [(a + b) / 2 for name, (a, b) in found.items() if not name.startswith(options.known)]
    of_any_face = np.mean(teaching, axis=0)
    np.savez(options.out, of_any_face=of_any_face.astype(np.float32))
    alike = [_cosine(one, of_any_face) for one in teaching]
    print(
        f"{len(teaching)} clips teach; theirs against the mean: least {min(alike):.2f}, median {np.median(alike):.2f}"
    )
    known = [(a - of_any_face, b - of_any_face) for name, (a, b) in found.items() if name.startswith(options.known)]
    total = np.sum([own for own, _ in known], axis=0)
    own = [_cosine(one, total - one) for one, _ in known]
    mirrored = [_cosine(flipped, total - one) for one, flipped in known]
    print(f"{len(known)} clips of {options.known}: cosine with the mean of the others")
    print(f"  as they are  least {min(own):.2f}, median {np.median(own):.2f}")
    print(f"  mirrored     median {np.median(mirrored):.2f}, largest {max(mirrored):.2f}")


def _cosine(a: Float32, b: Float32) -> float:
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


if __name__ == "__main__":
    main()
