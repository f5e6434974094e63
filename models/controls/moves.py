"""The camera's moves: each a view of the head as a smooth function of time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.ndimage import gaussian_filter1d

from models.controls.activity import accents, activity, bumps
from schemas.arrays import Float32
from schemas.controls import CameraMove
from schemas.speech import SpeechFeatures
from schemas.units import FRAME_RATE

SHORTEST_S: Final = 4.0  # a move over the whole take is not hurried into less
_STEADY_BEAT_S: Final = 0.6
_BEAT_SIGMA_S: Final = 0.16
_ENERGY_SIGMA_FRAMES: Final = 12.0
_WHIP_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class View:
    """How the head is seen, per frame [T] or throughout. Zero is a level view from the front that frames the head."""

    azimuth: Float32 | float = 0.0  # radians the camera stands to the subject's left
    elevation: Float32 | float = 0.0  # radians above the head's height
    zoom: Float32 | float = 0.0  # natural log: ln 2 halves the distance
    roll: Float32 | float = 0.0  # radians, as ``CameraPath.roll``
    aside: Float32 | float = 0.0  # metres the point looked at lies to the subject's left
    lift: Float32 | float = 0.0  # metres it lies above the head's centre

    def scaled(self, intensity: float) -> "View":
        """The same view so much further from the plain one."""
        return View(
            self.azimuth * intensity,
            self.elevation * intensity,
            self.zoom * intensity,
            self.roll * intensity,
            self.aside * intensity,
            self.lift * intensity,
        )


@dataclass(frozen=True, slots=True)
class Beats:
    """What a move may dance to, per frame [T], 0..1."""

    pulse: Float32  # a soft bump on every accent
    energy: Float32  # how lively the voice is, slow

    @classmethod
    def of(cls, speech: SpeechFeatures, at_s: Float32) -> "Beats":
        frames, strength = accents(speech)
        loud = gaussian_filter1d(speech.envelope, _ENERGY_SIGMA_FRAMES, mode="nearest")
        energy = loud / max(float(loud.max()), 1e-6) * activity(speech)
        own_s = np.arange(speech.n_frames) / float(FRAME_RATE)
        pulse = _pulses(at_s, frames / np.float32(FRAME_RATE), strength)
        return cls(pulse, np.interp(at_s, own_s, energy).astype(np.float32))

    @classmethod
    def steady(cls, at_s: Float32) -> "Beats":
        beats = np.arange(0.5 * _STEADY_BEAT_S, float(at_s[-1]) + _STEADY_BEAT_S, _STEADY_BEAT_S, dtype=np.float32)
        return cls(_pulses(at_s, beats, np.full(len(beats), 0.8, np.float32)), np.full(len(at_s), 0.5, np.float32))


def _pulses(at_s: Float32, beats_s: Float32, strength: Float32) -> Float32:
    step_s = float(at_s[1] - at_s[0]) if len(at_s) > 1 else 1 / float(FRAME_RATE)
    shape = bumps(len(at_s), beats_s / np.float32(step_s), strength, _BEAT_SIGMA_S / step_s)
    return np.asarray(np.tanh(shape), np.float32)


def _wave(t: Float32, period_s: float, phase: float = 0.0) -> Float32:
    return np.asarray(np.sin(2 * np.pi * (t / period_s + phase)), np.float32)


def _ease(progress: Float32) -> Float32:
    """0 to 1 with no speed and no acceleration at either end (Perlin's smootherstep, 2002)."""
    p = np.clip(progress, 0, 1)
    return np.asarray(p**3 * (p * (6 * p - 15) + 10), np.float32)


def _through(t: Float32, duration_s: float) -> Float32:
    """Progress of a move that takes the whole take."""
    return _ease(t / max(duration_s, SHORTEST_S))


def _fixed(_t: Float32, _duration_s: float, _beats: Beats) -> View:
    return View()


def _push_in(t: Float32, duration_s: float, _beats: Beats) -> View:
    return View(zoom=np.log(1.35) * _through(t, duration_s), lift=0.008 * _through(t, duration_s))


def _pull_out(t: Float32, duration_s: float, _beats: Beats) -> View:
    there = 1 - _through(t, duration_s)
    return View(zoom=np.log(1.35) * there - np.log(1.2) * (1 - there), lift=0.008 * there)


def _orbit(t: Float32, _duration_s: float, _beats: Beats) -> View:
    return View(azimuth=np.radians(38) * _wave(t, 12.0), elevation=np.radians(4) * _wave(t, 18.0))


def _singer_orbit_zoom(t: Float32, _duration_s: float, beats: Beats) -> View:
    return View(
        azimuth=np.radians(30) * _wave(t, 9.0),
        elevation=np.radians(-5) + np.radians(5) * _wave(t, 13.0),
        zoom=np.log(1.14) * (_wave(t, 6.0, -0.25) + 1) + 0.04 * beats.energy,
        roll=np.radians(2.5) * _wave(t, 9.0, 0.25),
    )


def _beat_bounce(t: Float32, _duration_s: float, beats: Beats) -> View:
    return View(
        azimuth=np.radians(5) * _wave(t, 8.0),
        zoom=0.06 * beats.pulse,
        roll=np.radians(1.2) * beats.pulse * _wave(t, 4.0),
        lift=-0.012 * beats.pulse,
    )


def _energetic_talk(t: Float32, _duration_s: float, beats: Beats) -> View:
    """A hand-held camera that leans in when the voice rises."""
    return View(
        azimuth=np.radians(7) * _wave(t, 5.3) + np.radians(2.5) * _wave(t, 2.9, 0.3),
        elevation=np.radians(2.5) * _wave(t, 4.1, 0.6),
        zoom=0.18 * beats.energy + 0.03 * beats.pulse,
        roll=np.radians(1.5) * _wave(t, 3.7, 0.1),
        aside=0.006 * _wave(t, 2.3, 0.4),
        lift=0.005 * _wave(t, 1.9),
    )


def _parallax_arc(t: Float32, duration_s: float, _beats: Beats) -> View:
    side = 2 * _through(t, duration_s) - 1
    return View(
        azimuth=np.radians(26) * side,
        elevation=np.radians(3) * (1 - side**2),
        zoom=np.log(1.12) * (1 - side**2),
        aside=-0.018 * side,
    )


def _push_whip_pull(t: Float32, duration_s: float, _beats: Beats) -> View:
    """A slow push, then the camera whips back and aside."""
    whole = max(duration_s, SHORTEST_S)
    at = 0.7 * whole
    push, whip = _ease(t / at), _ease((t - at) / _WHIP_S)
    return View(
        azimuth=np.radians(-20) * whip,
        zoom=np.log(1.35) * push - (np.log(1.35) + np.log(1.2)) * whip,
        roll=np.radians(2) * (4 * whip * (1 - whip)),
    )


def _low_angle_hero(t: Float32, duration_s: float, _beats: Beats) -> View:
    gone = _through(t, duration_s)
    return View(
        azimuth=np.radians(-14) + np.radians(22) * gone,
        elevation=np.radians(-20) + np.radians(4) * gone,
        zoom=np.log(1.18) * gone,
    )


def _emotional_arc(t: Float32, duration_s: float, beats: Beats) -> View:
    gone = _through(t, duration_s)
    return View(
        azimuth=np.radians(-18) + np.radians(24) * gone,
        elevation=np.radians(7) * (1 - gone),
        zoom=np.log(1.3) * gone + 0.03 * beats.energy,
        roll=np.radians(-1.5) * gone,
        lift=0.006 * gone,
    )


def _broadway_swing(t: Float32, _duration_s: float, beats: Beats) -> View:
    swing = _wave(t, 5.0)
    return View(
        azimuth=np.radians(27) * swing,
        elevation=np.radians(-4) + np.radians(5) * swing**2,
        zoom=np.log(1.1) * swing**2 + 0.03 * beats.pulse,
        roll=np.radians(4) * swing,
    )


MOVES: Final[Mapping[CameraMove, Callable[[Float32, float, Beats], View]]] = {
    CameraMove.FIXED: _fixed,
    CameraMove.PUSH_IN: _push_in,
    CameraMove.PULL_OUT: _pull_out,
    CameraMove.ORBIT: _orbit,
    CameraMove.SINGER_ORBIT_ZOOM: _singer_orbit_zoom,
    CameraMove.BEAT_BOUNCE: _beat_bounce,
    CameraMove.ENERGETIC_TALK: _energetic_talk,
    CameraMove.PARALLAX_ARC: _parallax_arc,
    CameraMove.PUSH_WHIP_PULL: _push_whip_pull,
    CameraMove.LOW_ANGLE_HERO: _low_angle_hero,
    CameraMove.EMOTIONAL_ARC: _emotional_arc,
    CameraMove.BROADWAY_SWING: _broadway_swing,
}
