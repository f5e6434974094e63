"""The journey of one source, from file to rows: the stages of ``tasks.table`` in order, and nothing else."""

from dataclasses import dataclass

import pyarrow as pa

from flows.kit import Kit
from flows.measuring import StageDone, measure
from flows.protocol import OfferedFile
from flows.recipe import Recipe
from models.vad import probability_per_frame
from schemas.clip import Clip
from schemas.observation import Observation
from schemas.record import ClipRecord, SourceRecord
from schemas.source import SourceVideo, source_id_of
from schemas.verdict import Reason, Verdict
from tasks.assemble import assemble
from tasks.clips import SourceTally, cut_clips
from tasks.ingest import ingest
from tasks.media.container import UndecodableMedia
from tasks.observe import VERSION as OBSERVE_VERSION
from tasks.observe import observe
from tasks.shots import shots
from tasks.tracks import tracks


@dataclass(frozen=True, slots=True)
class Curated:
    """A source's rows, table by table, and how much video it was."""

    tables: dict[str, pa.Table]
    video_s: float


def curate_source(file: OfferedFile, recipe: Recipe, kit: Kit, stage_done: StageDone) -> Curated:
    """Take one file through every stage. ``stage_done`` hears a stage's name each time it ends."""
    source = ingest(file.offer, recipe.ingest, file.sha256)
    stage_done("ingest")
    if isinstance(source, Verdict):
        record = _record(file, None, (source,), ())
    else:
        record = _curate_video(file, source, recipe, kit, stage_done)
    tables = assemble(record, recipe.curation_key, file.modified_ns)
    stage_done("assemble")
    return Curated(tables, 0.0 if record.source is None else record.source.duration_s)


def _curate_video(
    file: OfferedFile, source: SourceVideo, recipe: Recipe, kit: Kit, stage_done: StageDone
) -> SourceRecord:
    verdicts: list[Verdict] = []
    records: list[ClipRecord] = []
    tally = SourceTally()
    try:
        for part in observe(source, kit.landmarker, recipe.observe, kit.deca, kit.second, kit.syncnet):
            stage_done("observe")
            tally = tally.plus(part)
            clips, fragments = candidates(part, recipe, kit, stage_done)
            verdicts += fragments
            records += measure(clips, part, source, recipe, kit, stage_done)
    except UndecodableMedia as error:
        stage_version = f"observe@{OBSERVE_VERSION}"
        verdict = Verdict(source.source_id, "observe", False, Reason.UNDECODABLE, None, None, stage_version, str(error))
        return _record(file, source, (verdict,), ())
    refusals = tally.refusals(source.source_id, recipe.clips)
    return _record(file, source, (*refusals, *verdicts), tuple(records))


def candidates(part: Observation, recipe: Recipe, kit: Kit, stage_done: StageDone) -> tuple[list[Clip], list[Verdict]]:
    """The candidates of one part of a source, and a verdict on every fragment too short to be one."""
    found_shots = shots(part, recipe.shots, kit.transnet)
    stage_done("shots")
    found_tracks = tracks(part, found_shots, recipe.tracks)
    stage_done("tracks")
    clips: list[Clip] = []
    fragments: list[Verdict] = []
    if not found_tracks:
        return clips, fragments
    speaking = probability_per_frame(kit.vad.speech_probability(part.audio), part.n_frames)
    for track in found_tracks:
        cut, too_short = cut_clips(part, track, recipe.clips, recipe.clip_versions, speaking)
        stage_done("clips")
        clips += cut
        fragments += too_short
    return clips, fragments


def _record(
    file: OfferedFile, source: SourceVideo | None, verdicts: tuple[Verdict, ...], clips: tuple[ClipRecord, ...]
) -> SourceRecord:
    source_id = source_id_of(file.sha256)
    return SourceRecord(source_id, file.sha256, file.size_bytes, file.offer, source, verdicts, clips)
