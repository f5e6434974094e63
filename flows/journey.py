"""The journey of one source, from file to rows: the stages of ``tasks.table`` in order, and nothing else."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from flows.kit import Kit
from flows.protocol import OfferedFile
from flows.recipe import Recipe
from models.vad import probability_per_frame
from schemas.clip import Clip
from schemas.motion import FitQuality, HeadMotion
from schemas.observation import Observation
from schemas.record import ClipRecord, ClipScores, SourceRecord
from schemas.source import SourceVideo, source_id_of
from schemas.sync import SyncScores
from schemas.units import SAMPLE_RATE
from schemas.verdict import Reason, Verdict
from tasks.assemble import assemble
from tasks.clips import SourceTally, cut_clips
from tasks.ingest import ingest
from tasks.judge import judge
from tasks.media.container import UndecodableMedia
from tasks.observe import VERSION as OBSERVE_VERSION
from tasks.observe import observe
from tasks.reconstruct import pose_degrees, reconstruct
from tasks.shots import shots
from tasks.speaker import Seen, meeting, own_voice
from tasks.speech import speech
from tasks.splits import speaker_of, split_of
from tasks.sync import shift_of, shifted, sync
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
            clips, fragments = _candidates(part, recipe, kit, stage_done)
            verdicts += fragments
            for together in meeting(clips):
                moving = [_in_step(clip, part, recipe, kit, stage_done) for clip in together]
                for one in moving:
                    own = _own_voice(one, moving, recipe, kit, stage_done)
                    records.append(_measure(one, own, source, recipe, kit, stage_done))
    except UndecodableMedia as error:
        stage_version = f"observe@{OBSERVE_VERSION}"
        verdict = Verdict(source.source_id, "observe", False, Reason.UNDECODABLE, None, None, stage_version, str(error))
        return _record(file, source, (verdict,), ())
    refusals = tally.refusals(source.source_id, recipe.clips)
    return _record(file, source, (*refusals, *verdicts), tuple(records))


def _candidates(part: Observation, recipe: Recipe, kit: Kit, stage_done: StageDone) -> tuple[list[Clip], list[Verdict]]:
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


@dataclass(frozen=True, slots=True)
class _Moving:
    """A candidate as it is measured: with its motion, and its sound where that belongs."""

    clip: Clip
    motion: HeadMotion
    fit: FitQuality
    sync: SyncScores


def _in_step(clip: Clip, part: Observation, recipe: Recipe, kit: Kit, stage_done: StageDone) -> _Moving:
    """Fit the head, hold its lips against the sound, and move the sound where that brings the two together."""
    motion, fit = reconstruct(clip, kit.head, recipe.reconstruct)
    stage_done("reconstruct")
    found = sync(clip, motion, kit.sync, kit.head)
    stage_done("sync")
    shift = shift_of(found, recipe.sync)
    mended = shifted(clip, part, shift, recipe.clip_versions) if shift else None
    if mended is not None:
        other_motion, other_fit = reconstruct(mended, kit.head, recipe.reconstruct)
        now = sync(mended, other_motion, kit.sync, kit.head)
        if now.p_in_sync > found.p_in_sync:
            scores = SyncScores.of(found, 1000 * shift / SAMPLE_RATE, now)
            return _Moving(mended, other_motion, other_fit, scores)
    return _Moving(clip, motion, fit, SyncScores.of(found, 0.0, found))


def _own_voice(
    one: _Moving, together: Sequence[_Moving], recipe: Recipe, kit: Kit, stage_done: StageDone
) -> npt.NDArray[np.bool_]:
    """[T] in which frames of the candidate the voice is known to be its own."""
    others = [Seen.of(other.clip, other.motion) for other in together if other is not one]
    own = own_voice(Seen.of(one.clip, one.motion), others, kit.sync, kit.head, recipe.speaker)
    stage_done("speaker")
    return own


def _measure(
    moving: _Moving,
    own: npt.NDArray[np.bool_],
    source: SourceVideo,
    recipe: Recipe,
    kit: Kit,
    stage_done: StageDone,
) -> ClipRecord:
    """All scores of a candidate, whatever the first gate will say, and then what every gate says."""
    clip, motion, fit = moving.clip, moving.motion, moving.fit
    looks = visual_scores(clip, recipe.visual)
    stage_done("visual")
    voice = voice_quality(clip.audio, kit.vad, kit.dnsmos, recipe.voice)
    stage_done("voice")
    spoken = speech(clip, voice, kit.whisper, recipe.speech, kit.encoder)
    stage_done("speech")
    pitch_deg, yaw_deg, roll_deg = np.percentile(np.abs(pose_degrees(motion)), 95, axis=0)
    scores = ClipScores(
        duration_s=clip.duration_s,
        **asdict(looks),
        one_face_ratio=float((clip.present & own).mean()),
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
        **asdict(moving.sync),
    )
    verdicts = judge(clip.clip_id, scores, recipe.thresholds)
    stage_done("judge")
    speaker_id = speaker_of(source.offer, source.source_id, clip.track_index)
    split = split_of(speaker_id, recipe.splits)
    return ClipRecord(clip.span, scores, motion, spoken, speaker_id, split, recipe.tier, verdicts)


def _record(
    file: OfferedFile, source: SourceVideo | None, verdicts: tuple[Verdict, ...], clips: tuple[ClipRecord, ...]
) -> SourceRecord:
    source_id = source_id_of(file.sha256)
    return SourceRecord(source_id, file.sha256, file.size_bytes, file.offer, source, verdicts, clips)
