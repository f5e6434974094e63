"""``xtalker show``."""

from pathlib import Path

from flows.errors import CannotShow
from flows.settings import Settings
from models.assets import AssetStore
from models.encode import EncodingFailed
from models.head.model import UnreadableHeadModel
from models.head.shelf import HeadShelf, UnknownHeadModel
from models.landmarks import FaceLandmarker
from schemas.source import Offer, SourceVideo
from schemas.units import samples_of
from tasks.ingest import IngestConfig, ingest
from tasks.sheet import UnwritableImage, write_sheet
from tasks.show import ShowConfig, ShownClip, SpanNotFound, write_overlay
from warehouse.errors import UnknownName
from warehouse.lake import reading
from warehouse.read import FoundKind, load_motion, load_speech, resolve, table_of, verdicts_of


def run(name: str, output: Path, warehouse: Path | None, still: bool) -> int:
    settings = Settings.load(warehouse)
    with reading(settings.warehouse) as lake:
        found = resolve(lake, name)
        clips = table_of(lake, "clips", [found.source_id]).to_pylist()
        if found.kind is FoundKind.SOURCE and len(clips) != 1:
            names = ", ".join(clip["clip_id"] for clip in clips) or "none"
            raise UnknownName(f"{name} is a source; name one of its clips: {names}")
        row = next(clip for clip in clips if found.kind is FoundKind.SOURCE or clip["clip_id"] == found.id)
        motion, speech = load_motion(lake, row["clip_id"]), load_speech(lake, row["clip_id"])
        verdicts = verdicts_of(lake, row["clip_id"])
    if not found.path.is_file():
        raise CannotShow(f"{found.path}: the source is no longer there")
    source = ingest(Offer(found.path), IngestConfig())
    if not isinstance(source, SourceVideo):
        raise CannotShow(f"{found.path} can no longer be read: {source.detail}")
    size = (row["image_width"], row["image_height"])
    shift_samples = samples_of(row["sync_shift_ms"] or 0.0)
    clip = ShownClip(source, row["start_frame"], *size, motion, speech.envelope, verdicts, shift_samples)
    write = write_sheet if still else write_overlay
    try:
        head = HeadShelf.beside(settings.assets).head(motion.head_model)
        with FaceLandmarker(AssetStore(settings.assets).path("face-landmarker")) as finder:
            print(write(output, clip, head, finder, ShowConfig()))
    except (UnknownHeadModel, UnreadableHeadModel, SpanNotFound, EncodingFailed, UnwritableImage) as error:
        raise CannotShow(str(error)) from error
    return 0
