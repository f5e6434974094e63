"""The journey of one source, from file to rows: the stages of ``tasks.table`` in order, and nothing else."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

import numpy as np
import pyarrow as pa

from flows.kit import Kit
from flows.protocol import OfferedFile
from flows.recipe import Recipe
from models.vad import probability_per_frame
from schemas.clip import Clip
from schemas.observation import Observation
from schemas.record import ClipRecord, ClipScores, SourceRecord
from schemas.source import SourceVideo, source_id_of
from schemas.verdict import Reason, Verdict
from tasks.assemble import assemble
from tasks.clips import SourceTally, cut_clips
from tasks.evidence import evidence, face_asymmetry
from tasks.ingest import ingest
from tasks.judge import judge
from tasks.media.container import UndecodableMedia
from tasks.observe import VERSION as OBSERVE_VERSION
from tasks.observe import observe
from tasks.reconstruct import pose_degrees, reconstruct
from tasks.shots import shots
from tasks.speech import speech
from tasks.splits import speaker_of, split_of
from tasks.tracks import tracks
from tasks.visual import visual_scores
from tasks.voice import voice_quality

StageDone = Callable[[str], None]


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
        for part in observe(source, kit.landmarker, recipe.observe):
            stage_done("observe")
            tally = tally.plus(part)
            for clip_or_verdict in candidates(part, recipe, kit, stage_done):
                if isinstance(clip_or_verdict, Verdict):
                    verdicts.append(clip_or_verdict)
                else:
                    records.append(measure(clip_or_verdict, source, recipe, kit, stage_done))
    except UndecodableMedia as error:
        stage_version = f"observe@{OBSERVE_VERSION}"
        verdict = Verdict(source.source_id, "observe", False, Reason.UNDECODABLE, None, None, stage_version, str(error))
        return _record(file, source, (verdict,), ())
    refusals = tally.refusals(source.source_id, recipe.clips)
    return _record(file, source, (*refusals, *verdicts), tuple(records))


def candidates(part: Observation, recipe: Recipe, kit: Kit, stage_done: StageDone) -> Iterator[Clip | Verdict]:
    """The candidates of one part of a source, and a verdict on every fragment too short to be one."""
    found_shots = shots(part, recipe.shots, kit.transnet)
    stage_done("shots")
    found_tracks = tracks(part, found_shots, recipe.tracks)
    stage_done("tracks")
    if not found_tracks:
        return
    speaking = probability_per_frame(kit.vad.speech_probability(part.audio), part.n_frames)
    for track in found_tracks:
        clips, fragments = cut_clips(part, track, recipe.clips, recipe.clip_versions, speaking)
        stage_done("clips")
        yield from fragments
        yield from clips


def measure(clip: Clip, source: SourceVideo, recipe: Recipe, kit: Kit, stage_done: StageDone) -> ClipRecord:
    """All scores of a candidate, whatever the first gate will say, and then what every gate says."""
    looks = visual_scores(clip, recipe.visual)
    stage_done("visual")
    motion, fit = reconstruct(clip, kit.head, recipe.reconstruct)
    stage_done("reconstruct")
    voice = voice_quality(clip.audio, kit.vad, kit.dnsmos, recipe.voice)
    stage_done("voice")
    spoken = speech(clip, voice, kit.whisper, recipe.speech, kit.encoder)
    stage_done("speech")
    witness = evidence(clip, motion, spoken, kit.head, kit.readout, recipe.reconstruct, recipe.evidence)
    asymmetry = face_asymmetry(clip, kit.head)
    stage_done("evidence")
    pitch_deg, yaw_deg, roll_deg = np.percentile(np.abs(pose_degrees(motion)), 95, axis=0)
    scores = ClipScores(
        duration_s=clip.duration_s,
        **asdict(looks),
        yaw_deg=float(yaw_deg),
        pitch_deg=float(pitch_deg),
        roll_deg=float(roll_deg),
        damaged_ratio=clip.damaged_ratio,
        audio_coverage=clip.audio_coverage,
        **asdict(voice),
        recon_nme=fit.nme,
        recon_nme_p95=fit.nme_p95,
        recon_lip_nme=fit.lip_nme,
        recon_lip_gap_corr=fit.lip_gap_correlation,
        recon_jitter=fit.jitter,
        **asdict(witness),
    )
    verdicts = judge(clip.clip_id, scores, recipe.thresholds)
    stage_done("judge")
    speaker_id = speaker_of(source.offer, source.source_id, clip.track_index)
    split = split_of(speaker_id, recipe.splits)
    return ClipRecord(clip.span, scores, motion, spoken, speaker_id, split, recipe.tier, verdicts, asymmetry)


def _record(
    file: OfferedFile, source: SourceVideo | None, verdicts: tuple[Verdict, ...], clips: tuple[ClipRecord, ...]
) -> SourceRecord:
    source_id = source_id_of(file.sha256)
    return SourceRecord(source_id, file.sha256, file.size_bytes, file.offer, source, verdicts, clips)
