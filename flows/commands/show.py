"""``xtalker show``."""

from pathlib import Path

from flows.errors import CannotShow
from flows.settings import Settings
from models.encode import EncodingFailed
from models.head.model import load_open_head
from schemas.source import Offer, SourceVideo
from schemas.units import samples_of
from tasks.ingest import IngestConfig, ingest
from tasks.sheet import UnwritableImage, write_sheet
from tasks.show import ShowConfig, ShownClip, SpanNotFound, write_overlay
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
    if not found.path.is_file():
        raise CannotShow(f"{found.path}: the source is no longer there")
    source = ingest(Offer(found.path), IngestConfig())
    if not isinstance(source, SourceVideo):
        raise CannotShow(f"{found.path} can no longer be read: {source.detail}")
    clip = ShownClip(
        source,
        row["start_frame"],
        row["image_width"],
        row["image_height"],
        motion,
        speech.envelope,
        shift_samples=samples_of(row["sync_shift_ms"] or 0.0),
    )
    write = write_sheet if still else write_overlay
    try:
        print(write(output, clip, load_open_head(), ShowConfig()))
    except (SpanNotFound, EncodingFailed, UnwritableImage) as error:
        raise CannotShow(str(error)) from error
    return 0
