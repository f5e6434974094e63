"""Files for a landing folder that say in JSON what a face would have said: clips of 3 s for ``tests.prefect.chain``."""

import json
from pathlib import Path

CLIP_S = 3.0
TRAIN = {
    "max_steps": 4,
    "copies": 0,
    "holdout": "transcript LIKE 'held out%'",
    "devices": "cpu",
    "min_new_minutes": 0.1,
}


def drop(landing: Path, speaker: str, take: int, split: str = "train", transcript: str = "one two three four") -> Path:
    """Put a file into the landing folder, as a program does that is done with it."""
    path = landing / f"{speaker}-{split}-{take}.mkv"
    unfinished = path.with_suffix(".part")
    unfinished.write_text(json.dumps({"speaker": speaker, "split": split, "transcript": transcript, "take": take}))
    return unfinished.rename(path)


def drop_cast(landing: Path) -> None:
    """Eight files: two speakers to train on, one of whom also says what is held out, and one whom nobody knows."""
    for take in range(2):
        for speaker in ("ann", "bob"):
            drop(landing, speaker, take)
        drop(landing, "ann", 10 + take, transcript=f"held out {take}")
        drop(landing, "eve", take, "val")
