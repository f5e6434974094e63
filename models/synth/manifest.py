"""The MANIFEST.csv of made videos, as ``xtalker curate`` reads it."""

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Final

MANIFEST: Final = "MANIFEST.csv"
LICENCE: Final = "CC0-1.0"
CONSENT: Final = "nobody is depicted"


def write_manifest(folder: Path, dataset: str, videos: Iterable[tuple[str, str]]) -> None:
    """Write the manifest of ``folder`` for ``videos``: file name and subject, which is empty where nobody is seen."""
    with (folder / MANIFEST).open("w", newline="", encoding="utf-8") as out:
        rows = csv.writer(out)
        rows.writerow(["path", "dataset", "subject_id", "licence", "consent"])
        rows.writerows([name, dataset, subject, LICENCE, CONSENT] for name, subject in videos)
