"""The warehouse's tables as Arrow schemas: the contract that queries, training and other programs rely on.

Per-frame arrays are flattened row-major beside ``n_frames`` (DuckLake has no fixed-size arrays): frame ``t`` of
``jaw`` is ``jaw[3*t : 3*t+3]``.
"""

from typing import Final

import pyarrow as pa

from schemas.cues import FaceCues, VoiceCues
from schemas.record import ClipScores

_FLOATS = pa.list_(pa.float32())

SOURCES: Final = pa.schema(
    [
        ("source_id", pa.string()),
        ("path", pa.string()),
        ("sha256", pa.string()),
        ("size_bytes", pa.int64()),
        ("modified_ns", pa.int64()),  # of the file when it was read: a rerun hashes again only what changed
        ("curation_key", pa.string()),  # stage versions and settings that measured it; another key measures again
        ("status", pa.string()),
        ("reason", pa.string()),
        ("duration_s", pa.float64()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("fps", pa.float64()),
        ("rotation_deg", pa.int32()),
        ("has_audio", pa.bool_()),
        ("dataset", pa.string()),
        ("subject_id", pa.string()),
        ("licence", pa.string()),
        ("consent", pa.string()),
    ]
)

CLIPS: Final = pa.schema(
    [
        ("clip_id", pa.string()),
        ("source_id", pa.string()),
        ("keep", pa.bool_()),
        ("reason", pa.string()),
        ("tier", pa.string()),
        ("track_index", pa.int32()),
        ("start_frame", pa.int64()),
        ("n_frames", pa.int32()),
        ("image_width", pa.int32()),
        ("image_height", pa.int32()),
        ("speaker_id", pa.string()),
        ("split", pa.string()),
        ("language", pa.string()),
        ("language_probability", pa.float32()),
        ("transcript", pa.string()),
        *((name, pa.float32()) for name in ClipScores.names()),
        *((name, pa.float32()) for name in (*VoiceCues.names(), *FaceCues.names())),
        ("sync_model", pa.string()),  # "lip-landmarks@8631717a", "syncnet_v2@..."; null in clips older than it
        # schemas.cues.VoiceEmotion; null without such a model, and where too little is said
        ("emotion_model", pa.string()),
        ("emotion_labels", pa.list_(pa.string())),  # emotion_probabilities[list_position(emotion_labels, 'happy')]
        ("emotion_probabilities", _FLOATS),
    ]
)

VERDICTS: Final = pa.schema(
    [
        ("subject_id", pa.string()),  # a clip_id, a source_id, or "<source_id>/<start>+<frames>" for a fragment
        ("source_id", pa.string()),
        ("gate", pa.string()),
        ("keep", pa.bool_()),
        ("reason", pa.string()),
        ("measured", pa.float64()),
        ("threshold", pa.float64()),
        ("stage_version", pa.string()),
        ("detail", pa.string()),
    ]
)

MOTION: Final = pa.schema(
    [
        ("clip_id", pa.string()),
        ("n_frames", pa.int32()),
        ("head_model", pa.string()),
        ("shape", _FLOATS),  # 100
        ("expression", _FLOATS),  # n_frames x 50
        ("global_rotation", _FLOATS),  # n_frames x 3, axis-angle, radians
        ("jaw", _FLOATS),  # n_frames x 3, axis-angle, radians
        ("eyes", _FLOATS),  # n_frames x 6, axis-angle, left then right, radians
        ("eyelids", _FLOATS),  # n_frames x 2, left then right, 0 open .. 1 shut
        ("translation", _FLOATS),  # n_frames x 3, metres
        ("focal", pa.float32()),  # pixels
        ("principal_x", pa.float32()),  # pixels
        ("principal_y", pa.float32()),
        ("detail", _FLOATS),  # n_frames x 128, null unless a DECA backend filled it
        ("asymmetry", _FLOATS),  # 90: models.evidence.asymmetry, of the whole clip; null in clips older than it
    ]
)

SPEECH: Final = pa.schema(
    [
        ("clip_id", pa.string()),
        ("n_frames", pa.int32()),
        ("envelope", _FLOATS),  # n_frames
        ("f0_hz", _FLOATS),  # n_frames
        ("voiced", pa.list_(pa.bool_())),  # n_frames
        ("embedding", _FLOATS),  # n_frames x embedding_dim
        ("embedding_dim", pa.int32()),
        ("embedding_model", pa.string()),
        ("words", pa.list_(pa.string())),
        ("word_start_s", _FLOATS),
        ("word_end_s", _FLOATS),
        ("word_probability", _FLOATS),
        ("fingerprint", pa.list_(pa.uint32())),
        # schemas.cues.VoiceCurves; null in rows older than they are
        ("loudness_db", _FLOATS),  # n_frames
        ("energy_db", _FLOATS),  # n_frames
        ("tilt_db", _FLOATS),  # n_frames
        ("onset_db", _FLOATS),  # n_frames
    ]
)

MODELS: Final = pa.schema(
    [
        ("version", pa.string()),
        ("preset", pa.string()),
        ("snapshot", pa.int64()),  # the warehouse as the training saw it
        ("selection", pa.string()),  # JSON of a warehouse.selection.Selection: selection->>'where', ->>'licences'
        ("train_hours", pa.float64()),
        ("licence_class", pa.string()),  # the most restrictive of its data's and its parent's
        ("parent", pa.string()),  # the version it was fine-tuned from
        ("n_parameters", pa.int64()),
        ("code_version", pa.string()),
        ("created", pa.timestamp("us", tz="UTC")),
        ("checkpoint", pa.string()),  # folder, relative to the warehouse
        ("checkpoint_sha256", pa.string()),  # over all its files: warehouse.checkpoints
    ]
)

MODEL_METRICS: Final = pa.schema(
    [
        ("version", pa.string()),
        ("split", pa.string()),  # which clips, in the words of the evaluation
        ("span", pa.string()),  # which part of each
        ("metric", pa.string()),
        ("row", pa.string()),  # what was measured: "model", a control ("mean motion"), or another version
        ("value", pa.float64()),
        ("low", pa.float64()),  # 95 % interval over clips
        ("high", pa.float64()),
        ("n", pa.int64()),  # clips
    ]
)

# A clip measured again gets another id, so a row says by itself which footage it means.
MODEL_CLIPS: Final = pa.schema(
    [
        ("version", pa.string()),
        ("clip_id", pa.string()),
        ("split", pa.string()),  # "train" is what it learned from
        ("speaker_id", pa.string()),
        ("source_id", pa.string()),
        ("path", pa.string()),
        ("start_frame", pa.int64()),
        ("n_frames", pa.int32()),
        ("licence", pa.string()),
    ]
)

MODEL_ALIASES: Final = pa.schema(
    [
        ("alias", pa.string()),
        ("number", pa.int64()),  # of this alias's decisions, from 1; it stands for the version of the last that moved
        ("kind", pa.string()),  # "promote", "force" or "rollback"
        ("version", pa.string()),
        ("previous", pa.string()),
        ("moved", pa.bool_()),
        ("reason", pa.string()),
        ("split", pa.string()),  # where it was decided: a metric, and the clips and part of them it was measured on
        ("span", pa.string()),
        ("metric", pa.string()),
        ("measured", pa.float64()),
        ("threshold", pa.float64()),
        ("set_at", pa.timestamp("us", tz="UTC")),
    ]
)

# What a curated source becomes.
TABLES: Final[dict[str, pa.Schema]] = {
    "sources": SOURCES,
    "clips": CLIPS,
    "verdicts": VERDICTS,
    "motion": MOTION,
    "speech": SPEECH,
}
# What is known about the models trained on it.
MODEL_TABLES: Final[dict[str, pa.Schema]] = {
    "models": MODELS,
    "model_metrics": MODEL_METRICS,
    "model_clips": MODEL_CLIPS,
    "model_aliases": MODEL_ALIASES,
}
LAKE_TABLES: Final = TABLES | MODEL_TABLES
