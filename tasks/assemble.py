"""From records to the warehouse's tables.

Enters: a ``SourceRecord``. Leaves: one Arrow table per warehouse table (``schemas.tables.TABLES``).
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.cues import VoiceEmotion
from schemas.record import ClipRecord, SourceRecord
from schemas.tables import TABLES
from schemas.verdict import Reason, Verdict

VERSION = "2"


def assemble(record: SourceRecord, curation_key: str, modified_ns: int) -> dict[str, pa.Table]:
    """The rows of one source. ``modified_ns`` is the file's modification time when it was read."""
    rows: dict[str, list[Mapping[str, Any]]] = {
        "sources": [_source_row(record, curation_key, modified_ns)],
        "clips": [_clip_row(c) for c in record.clips],
        "verdicts": list(_verdict_rows(record)),
        "motion": [_motion_row(c) for c in record.clips],
        "speech": [_speech_row(c) for c in record.clips],
    }
    return {name: pa.Table.from_pylist(rows[name], schema=schema) for name, schema in TABLES.items()}


def _source_row(record: SourceRecord, curation_key: str, modified_ns: int) -> dict[str, Any]:
    source, offer = record.source, record.offer
    row: dict[str, Any] = {
        "source_id": record.source_id,
        "path": str(offer.path),
        "sha256": record.sha256,
        "size_bytes": record.size_bytes,
        "modified_ns": modified_ns,
        "curation_key": curation_key,
        "status": record.status.value,
        "reason": record.reason,
        "dataset": offer.dataset,
        "subject_id": offer.subject_id,
        "licence": offer.licence,
        "consent": offer.consent,
    }
    if source is None:
        row["has_audio"] = False if record.reason is Reason.NO_AUDIO else None  # None: it was never looked for
    else:
        row |= {
            "duration_s": source.duration_s,
            "width": source.width,
            "height": source.height,
            "fps": float(source.fps),
            "rotation_deg": source.rotation_deg,
            "has_audio": True,
        }
    return row


def _clip_row(record: ClipRecord) -> dict[str, Any]:
    span, refusal = record.span, record.refusal
    return {
        "clip_id": span.clip_id,
        "source_id": span.source_id,
        "keep": refusal is None,
        "reason": refusal.reason if refusal else None,
        "tier": record.tier,
        "track_index": span.track_index,
        "start_frame": span.start_frame,
        "n_frames": span.n_frames,
        "image_width": span.image_width,
        "image_height": span.image_height,
        "speaker_id": record.speaker_id,
        "split": record.split,
        "language": record.speech.language,
        "language_probability": record.speech.language_probability,
        "transcript": record.speech.transcript,
        **{name: getattr(record.scores, name) for name in record.scores.names()},
        **asdict(record.voice_cues),
        **asdict(record.face_cues),
        "sync_model": record.sync_model,
        **_emotion(record.voice_emotion),
    }


def _emotion(found: VoiceEmotion | None) -> dict[str, Any]:
    if found is None:
        return {}
    return {
        "emotion_model": found.model,
        "emotion_labels": found.labels,
        "emotion_probabilities": found.probabilities,
    }


def _verdict_rows(record: SourceRecord) -> Iterable[dict[str, Any]]:
    for verdict in (*record.verdicts, *(v for c in record.clips for v in c.verdicts)):
        yield verdict_row(verdict, record.source_id)


def verdict_row(verdict: Verdict, source_id: str) -> dict[str, Any]:
    """A row of the ``verdicts`` table."""
    return {
        "subject_id": verdict.subject_id,
        "source_id": source_id,
        "gate": verdict.gate,
        "keep": verdict.keep,
        "reason": verdict.reason,
        "measured": verdict.measured,
        "threshold": verdict.threshold,
        "stage_version": verdict.stage_version,
        "detail": verdict.detail,
    }


def _flat(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.ascontiguousarray(array).reshape(-1)


def _motion_row(record: ClipRecord) -> dict[str, Any]:
    motion = record.motion
    return {
        "clip_id": motion.clip_id,
        "n_frames": motion.n_frames,
        "head_model": motion.head_model,
        "shape": motion.shape,
        "expression": _flat(motion.expression),
        "global_rotation": _flat(motion.global_rotation),
        "jaw": _flat(motion.jaw),
        "eyes": _flat(motion.eyes),
        "eyelids": _flat(motion.eyelids),
        "translation": _flat(motion.translation),
        "focal": motion.focal_px,
        "principal_x": motion.principal_point_px[0],
        "principal_y": motion.principal_point_px[1],
        "detail": None if motion.detail is None else _flat(motion.detail),
        "asymmetry": record.asymmetry,
    }


def _speech_row(record: ClipRecord) -> dict[str, Any]:
    speech = record.speech
    return {
        "clip_id": speech.clip_id,
        "n_frames": speech.n_frames,
        "envelope": speech.envelope,
        "f0_hz": speech.f0_hz,
        "voiced": speech.voiced,
        "embedding": _flat(speech.embedding),
        "embedding_dim": speech.embedding_dim,
        "embedding_model": speech.embedding_model,
        "words": [w.text for w in speech.words],
        "word_start_s": [w.start_s for w in speech.words],
        "word_end_s": [w.end_s for w in speech.words],
        "word_probability": [w.probability for w in speech.words],
        "fingerprint": speech.fingerprint,
        "loudness_db": record.curves.loudness_db,
        "energy_db": record.curves.energy_db,
        "tilt_db": record.curves.tilt_db,
        "onset_db": record.curves.onset_db,
    }
