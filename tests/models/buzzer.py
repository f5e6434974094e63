"""A voice for tests that need phonemes with times, but nothing to hear."""

import numpy as np

from models.sample.voice import LENGTH_MARK, STRESS_MARKS, Speech
from schemas.speech import Phone

MARKS = {*STRESS_MARKS, LENGTH_MARK}
RATE = 22_050
EACH_S = 0.08


class Buzzer:
    """Reads IPA as a buzz of 120 Hz, every sound 80 ms long, punctuation silent."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def speak(self, ipa: str, pitch: float = 1.0, tempo: float = 1.0) -> Speech:
        self.asked.append(ipa)
        symbols = ["^", *(s for s in ipa if s not in MARKS), "$"]
        phones = tuple(Phone(s, k * EACH_S, (k + 1) * EACH_S, stressed=k % 5 == 0) for k, s in enumerate(symbols))
        times = np.arange(round(len(symbols) * EACH_S * RATE)) / RATE
        wave = np.sum([np.sin(2 * np.pi * 120 * h * times) / h for h in range(1, 20)], axis=0)
        return Speech((0.2 * wave).astype(np.float32), RATE, phones)
