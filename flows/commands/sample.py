"""``xtalker sample``."""

import os
import sys
from pathlib import Path

from flows.settings import Settings
from models.assets import AssetStore
from models.sample.make import make_sample

VOICE = "piper-joe"


def run(folder: Path, clips: int, seed: int) -> int:
    """Make the sample in ``folder``."""
    (voice,) = AssetStore(Settings.load().assets).pull([VOICE], progress=lambda line: print(line, file=sys.stderr))
    print(f"rendering {clips} talking heads; about ten seconds each on one core", file=sys.stderr)
    for path in make_sample(folder, voice, clips, seed, workers=os.cpu_count() or 1):
        print(path)
    return 0
