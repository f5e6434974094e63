"""``xtalker show``."""

import sys
from pathlib import Path

from flows.settings import Settings
from models.head.model import load_open_head
from schemas.source import Offer, SourceVideo
from tasks.ingest import IngestConfig, ingest
from tasks.sheet import write_sheet
from tasks.show import ShowConfig, ShownClip, write_overlay
from warehouse.errors import UnknownName
from warehouse.lake import reading
from warehouse.read import FoundKind, load_motion, load_speech, resolve, table_of


def run(name: str, output: Path, warehouse: Path | None, still: bool) -> int:
    with reading(Settings.load(warehouse).warehouse) as lake:
        found = resolve(lake, name)
        clips = table_of(lake, "clips", [found.source_id]).to_pylist()
        if found.kind is FoundKind.SOURCE and len(clips) != 1:
            names = ", ".join(clip["clip_id"] for clip in clips) or "none"
            raise UnknownName(f"{name} is a source; name one of its clips: {names}")
        row = next(clip for clip in clips if found.kind is FoundKind.SOURCE or clip["clip_id"] == found.id)
        motion, speech = load_motion(lake, row["clip_id"]), load_speech(lake, row["clip_id"])
    source = ingest(Offer(found.path), IngestConfig())
    if not isinstance(source, SourceVideo):
        print(f"xtalker: {found.path} can no longer be read: {source.detail}", file=sys.stderr)
        return 1
    clip = ShownClip(source, row["start_frame"], row["image_width"], row["image_height"], motion, speech.envelope)
    write = write_sheet if still else write_overlay
    print(write(output, clip, load_open_head(), ShowConfig()))
    return 0
