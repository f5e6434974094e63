"""What is found out about the candidates of one part of a source: motion, sync, scores, verdicts.

All of it is measured of every candidate, whatever the first gate will say: so thresholds can change later.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from flows.kit import Kit
from flows.recipe import Recipe
from schemas.clip import Clip
from schemas.motion import FitQuality, HeadMotion
from schemas.observation import Observation
from schemas.record import ClipRecord, ClipScores
from schemas.source import SourceVideo
from schemas.sync import SyncReading, SyncScores
from schemas.units import SAMPLE_RATE
from tasks.cues import background, face_cues, voice_cues, voice_curves, voice_emotion
from tasks.evidence import evidence, face_asymmetry
from tasks.judge import judge
from tasks.reconstruct import pose_degrees, reconstruct
from tasks.speaker import Seen, meeting, own_voice
from tasks.speech import speech
from tasks.splits import speaker_of, split_of
from tasks.sync import matched, shift_of, shifted, sync
from tasks.visual import visual_scores
from tasks.voice import voice_quality

StageDone = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Moving:
    """A candidate with its motion, and how its sound lies to it."""

    clip: Clip
    motion: HeadMotion
    fit: FitQuality
    sync: SyncReading
    sync_model: str

    @classmethod
    def of(cls, clip: Clip, recipe: Recipe, kit: Kit, stage_done: StageDone) -> "Moving":
        """Fit the head, and hold its lips against the sound."""
        motion, fit = reconstruct(clip, kit.head, recipe.reconstruct)
        stage_done("reconstruct")
        reading, model = sync(clip, motion, kit.sync, kit.head, kit.syncnet)
        stage_done("sync")
        return cls(clip, motion, fit, reading, model)


def measure(
    clips: Sequence[Clip], part: Observation, source: SourceVideo, recipe: Recipe, kit: Kit, stage_done: StageDone
) -> Iterator[ClipRecord]:
    """Records of the candidates ``clips`` of ``part``, their sound moved where that brings it together with the lips.

    Those in view together are weighed against each other: one voice is one's own.
    """
    for together in meeting(clips):
        in_step = [_in_step(clip, part, recipe, kit, stage_done) for clip in together]
        seen = [Seen.of(one.clip, one.motion, kit.head) for one, _ in in_step]
        for k, (one, scores) in enumerate(in_step):
            others = [*seen[:k], *seen[k + 1 :]]
            yield record_of(one, scores, seen[k], others, source, recipe, kit, stage_done)


def _in_step(
    clip: Clip, part: Observation, recipe: Recipe, kit: Kit, stage_done: StageDone
) -> tuple[Moving, SyncScores]:
    """The candidate, perhaps with its sound from a little earlier or later in the source."""
    found = Moving.of(clip, recipe, kit, stage_done)
    shift = shift_of(found.sync, recipe.sync)
    mended = shifted(clip, part, shift, recipe.clip_versions) if shift else None
    if mended is not None:
        now = Moving.of(mended, recipe, kit, stage_done)
        if now.sync.p_in_sync > found.sync.p_in_sync:
            return now, SyncScores.of(found.sync, 1000 * shift / SAMPLE_RATE, now.sync)
    return found, SyncScores.of(found.sync, 0.0, found.sync)


def record_of(
    one: Moving,
    in_sync: SyncScores,
    seen: Seen,
    others: Sequence[Seen],
    source: SourceVideo,
    recipe: Recipe,
    kit: Kit,
    stage_done: StageDone,
) -> ClipRecord:
    """All scores of a candidate, and what every gate says; it is ``seen`` beside ``others``."""
    clip, motion, fit = one.clip, one.motion, one.fit
    looks = visual_scores(clip, recipe.visual)
    stage_done("visual")
    voice = voice_quality(clip.audio, kit.vad, kit.dnsmos, recipe.voice)
    stage_done("voice")
    spoken = speech(clip, voice, kit.whisper, recipe.speech, kit.encoder)
    stage_done("speech")
    own = own_voice(seen, others, spoken, kit.sync, kit.readout, kit.head, recipe.speaker)
    stage_done("speaker")
    curves = voice_curves(clip, spoken)
    sounds, how = background(clip, spoken), voice_cues(spoken, curves, voice, recipe.cues)
    face, emotion = face_cues(clip), voice_emotion(clip, voice, kit.emotion, recipe.cues)
    stage_done("cues")
    witness = evidence(clip, motion, spoken, kit.head, kit.readout, recipe.reconstruct, recipe.evidence)
    asymmetry = face_asymmetry(clip, kit.head)
    stage_done("evidence")
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
        landmark_disagreement=clip.landmark_disagreement,
        **asdict(in_sync if kit.syncnet else matched(in_sync, witness.lip_voice_corr, kit.readout)),
        **asdict(sounds),
        **asdict(witness),
    )
    verdicts = judge(clip.clip_id, scores, recipe.thresholds)
    stage_done("judge")
    speaker_id = speaker_of(source.offer, source.source_id, clip.track_index)
    split = split_of(speaker_id, recipe.splits)
    return ClipRecord(
        clip.span, scores, motion, spoken, curves, how, face, speaker_id, split, recipe.tier, verdicts, asymmetry,
        emotion, one.sync_model,
    )  # fmt: skip
