"""How the head moves: what a motion model made, stilled, enlivened, matched to a person, or replaced by keyframes.

All poses are composed as rotations, in pitch, yaw and roll of ``models.head.angles``. Where speech ends the head comes
to rest; blinks and gaze, which lie elsewhere in the frame, go on. The eyes make up for what the head is made to do, so
that they look where they looked.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from scipy.ndimage import gaussian_filter1d

from models.avatar.motion import GAZE, ROTATION
from models.avatar.protocol import STYLE_DIM
from models.avatar.style import STILL_RAD
from models.controls.activity import accents, activity, bumps
from models.controls.keys import BadControl, frame_times, read_keys, through_keys
from models.head.angles import from_angles, to_angles
from models.head.rotation import to_axis_angle, to_matrix
from models.sample.gestures import smooth_noise
from schemas.arrays import Float32, admit_fields
from schemas.controls import HeadPose, PoseChoice, PoseKeys, PoseOfClip, PosePreset
from schemas.speech import SpeechFeatures

LIMITS_RAD: Final = np.radians([16.0, 10.0, 6.0]).astype(np.float32)  # pitch, yaw, roll of 3DXTalker
KEY_LIMIT_DEG: Final = 80.0
GAZE_LIMIT_RAD: Final = float(np.radians(30.0))

# What is left of the motion model's own movement.
_STILL: Final = 0.06
_AT_REST: Final = 0.1
_AMPLIFIED: Final = 1.5
_SLOW_SIGMA: Final = 50.0  # frames; slower than this is posture, not gesture
_NOD_RAD: Final = float(np.radians(5.0))
_NOD_SIGMA: Final = 4.0
_SWAY_RAD: Final = float(np.radians(4.0))
_SWAY_SIGMA: Final = 22.0
_ROLL_OF_YAW: Final = -0.3
_ROLL_OF_PITCH: Final = 0.15
_SPREAD_FACTORS: Final = (0.2, 5.0)
_KNEE: Final = 4.0


@dataclass(frozen=True, slots=True)
class PoseStyle:
    """How somebody moves the head, as ``models.avatar.protocol.Condition.style``."""

    style: Float32  # [6] log of the standard deviation of pitch, yaw, roll (rad), then of their speeds (rad/s)

    def __post_init__(self) -> None:
        admit_fields(self, {}, style=(np.float32, (STYLE_DIM,)))


ResolvedPose = HeadPose | PoseStyle | PoseKeys


def _log_degrees(*degrees: float) -> Float32:
    return np.asarray(np.log(np.radians(degrees)), np.float32)


# Styles as ``models.avatar.style`` measures them on the 312 clips of the reference data, here in degrees and degrees/s.
PRESET_STYLES: Final[dict[PosePreset, Float32 | None]] = {
    PosePreset.NATURAL: None,
    PosePreset.STILL: _log_degrees(0.59, 0.24, 0.14, 5.3, 2.2, 1.7),  # 5th percentile: GRID's seated readers
    PosePreset.PRESENTER: _log_degrees(4.0, 4.4, 3.6, 16.5, 16.8, 10.1),  # median of the six public speakers
}


def parse_pose(text: str) -> PoseChoice:
    """``natural``, ``still``, ``presenter`` (``presenter:0.6``), ``clip:ID``, or the path of a CSV with time_s,
    pitch_deg, yaw_deg, roll_deg. Raises ``BadControl``."""
    name, _, rest = text.partition(":")
    if text.lower().endswith(".csv"):
        times_s, columns = read_keys(Path(text), ("pitch_deg", "yaw_deg", "roll_deg"))
        degrees = np.stack([columns[key] for key in ("pitch_deg", "yaw_deg", "roll_deg")], axis=1)
        if np.abs(degrees).max() > KEY_LIMIT_DEG:
            raise BadControl(f"{text}: a head turns at most {KEY_LIMIT_DEG:g} degrees")
        try:
            return PoseKeys(times_s, degrees)
        except ValueError as error:
            raise BadControl(f"{text}: {error}") from error
    if name == "clip" and rest:
        return PoseOfClip(rest)
    try:
        return HeadPose(PosePreset(name), float(rest or 1))
    except ValueError as error:
        known = ", ".join(PosePreset)
        raise BadControl(f"pose {text!r}: wanted {known}, each with :STRENGTH, clip:ID or a CSV ({error})") from error


def wanted_style(pose: ResolvedPose) -> Float32 | None:
    """The style to condition a motion model on, None where it is left to the model."""
    if isinstance(pose, PoseStyle):
        return pose.style
    return PRESET_STYLES[pose.preset] if isinstance(pose, HeadPose) else None


def apply_pose(
    frames: Float32, pose: ResolvedPose, speech: SpeechFeatures, seed: int = 0, eye_contact: float = 1.0
) -> Float32:
    """``frames`` [T, 58] with the head moved as asked.

    ``eye_contact`` 1 keeps the line of sight where the motion model had it, 0 lets the eyes ride with the head.
    ``natural`` changes nothing while somebody speaks or pauses for breath.

    Raises ``ValueError`` if ``speech`` is not as long as ``frames``.
    """
    if speech.n_frames != len(frames):
        raise ValueError(f"apply_pose: got {len(frames)} frames and speech of {speech.n_frames}")
    if isinstance(pose, PoseKeys):
        turned = from_angles(np.radians(through_keys(pose.times_s, pose.degrees, frame_times(len(frames)))))
    else:
        modelled = to_angles(np.ascontiguousarray(frames[:, ROTATION]))
        turned = from_angles(_styled(modelled, pose, speech, seed))
    return _turned(frames, turned, eye_contact)


def rested(frames: Float32, speaking: Float32, eye_contact: float = 1.0) -> Float32:
    """``frames`` [T, 58], the head at rest where ``speaking`` [T] is 0: ``natural`` where only the past is known."""
    angles = to_angles(np.ascontiguousarray(frames[:, ROTATION]))
    return _turned(frames, from_angles(angles * _awake(speaking)), eye_contact)


def _turned(frames: Float32, turned: Float32, eye_contact: float) -> Float32:
    """``frames`` [T, 58] with the head at ``turned`` [T, 3]."""
    modelled, gaze = (np.ascontiguousarray(frames[:, part]) for part in (ROTATION, GAZE))
    out = frames.copy()
    out[:, ROTATION] = turned
    out[:, GAZE] = _counter_rotated(gaze, modelled, turned, eye_contact)
    return out


def _awake(speaking: Float32) -> Float32:
    """[T, 1] the share of its movement that is left to a head."""
    return np.asarray(_AT_REST + (1 - _AT_REST) * speaking[:, None], np.float32)


def _styled(angles: Float32, pose: HeadPose | PoseStyle, speech: SpeechFeatures, seed: int) -> Float32:
    awake = _awake(activity(speech))
    if isinstance(pose, PoseStyle):
        spread = np.maximum(angles.std(axis=0), STILL_RAD)
        factor = np.clip(np.exp(pose.style[:3]) / spread, *_SPREAD_FACTORS)
        mean = angles.mean(axis=0)
        return np.asarray((mean + factor * (angles - mean)) * awake, np.float32)
    if pose.preset is PosePreset.NATURAL:
        return np.asarray(angles * awake, np.float32)
    if pose.preset is PosePreset.STILL:
        return np.asarray(angles * (1 - (1 - _STILL) * min(pose.intensity, 1.0)), np.float32)
    slow = gaussian_filter1d(angles, _SLOW_SIGMA, axis=0, mode="nearest")
    amplified = slow + (1 + (_AMPLIFIED - 1) * pose.intensity) * (angles - slow)
    return _limited((amplified + pose.intensity * _gestures(speech, seed)) * awake)


def _gestures(speech: SpeechFeatures, seed: int) -> Float32:
    """[T, 3] pitch, yaw and roll of a lively speaker: nods on accents, a slow sway, roll that goes with both."""
    at, strength = accents(speech)
    nods = bumps(speech.n_frames, at, strength, _NOD_SIGMA) * _NOD_RAD
    sway = smooth_noise(speech.n_frames, 1, _SWAY_SIGMA, np.random.default_rng(seed))[:, 0]
    yaw = _SWAY_RAD * sway * activity(speech)
    return np.stack([nods, yaw, _ROLL_OF_YAW * yaw + _ROLL_OF_PITCH * nods], axis=1).astype(np.float32)


def _limited(angles: Float32) -> Float32:
    """``angles`` [T, 3] bent to stay within the limits, hardly touched up to half of them."""
    return np.asarray(angles / (1 + np.abs(angles / LIMITS_RAD) ** _KNEE) ** (1 / _KNEE), np.float32)


def _counter_rotated(gaze: Float32, before: Float32, after: Float32, strength: float) -> Float32:
    """Gaze [T, 2] about x and y for heads turned from ``before`` to ``after`` [T, 3].

    The direction that gaze ``(a, b)`` looks in is ``sin(|g|) / |g| * (b, -a)`` in x and y, by Rodrigues' formula.
    """
    undone = to_axis_angle(np.swapaxes(to_matrix(after), -1, -2) @ to_matrix(before)) * np.float32(strength)
    eyes = to_matrix(np.pad(gaze, ((0, 0), (0, 1))))
    x, y, z = np.moveaxis(to_matrix(undone) @ eyes[:, :, 2:], 1, 0)[..., 0]
    sine = np.hypot(x, y)
    angle = np.arctan2(sine, z)
    scale = np.where(sine > 1e-6, np.minimum(angle, GAZE_LIMIT_RAD) / np.maximum(sine, 1e-6), 1)
    return np.stack([-y * scale, x * scale], axis=1).astype(np.float32)
