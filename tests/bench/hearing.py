"""How well and how fast a clip's sound is judged: ``python -m tests.bench.hearing``, what `make bench-hearing` runs.

Prints, against the figures asked for: how often the language of 4 s of synthesised speech is right (festival, where
it is installed); DNSMOS of real clips under added noise, the median over clips; how well music and a second voice
beside a real voice are told from the voice alone; and processor seconds of every part of the audio side for a second
of clip.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from flows.kit import load_kit
from flows.recipe import load_recipe
from models.background import music_score, second_voice_score
from models.dnsmos import Dnsmos
from models.pitch import pitch
from models.vad import SileroVad
from models.whisper.model import Whisper
from schemas.arrays import Float32
from schemas.speech import SpeechTrack, VoiceQuality
from schemas.units import SAMPLE_RATE, SAMPLES_PER_FRAME
from tasks.cues import background, voice_cues, voice_curves
from tasks.media.hearing import SoundFile
from tasks.speech import SpeechConfig, speech
from tasks.voice import VoiceConfig, voice_quality
from tests.bench.music import tune
from tests.bench.sentences import SENTENCES
from tests.builders import clip as made_clip

DEFAULT_DATA = Path(__file__).parents[3] / "shared" / "data" / "talking"
# Language, voice of Debian's festvox packages, and the encoding it reads.
VOICES = (
    ("en", "cmu_us_slt_arctic_hts", "utf-8"),
    ("it", "lp_diphone", "iso-8859-1"),
    ("ru", "msu_ru_nsh_clunits", "utf-8"),
    ("cs", "czech_dita", "iso-8859-2"),
    ("fi", "suo_fi_lj_diphone", "iso-8859-1"),
    ("it", "pc_diphone", "iso-8859-1"),
    ("cs", "czech_ph", "iso-8859-2"),
    ("ca", "upc_ca_ona_hts", "iso-8859-1"),
)
WINDOW_S, STEP_S = 4, 2
SNRS_DB = (None, 30, 20, 10, 5, 0)
BESIDE_DB = (0, 5, 10, 15, 20)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder of videos of one voice each")
    parser.add_argument("--every", type=int, default=6, metavar="N", help="use every Nth clip")
    parser.add_argument("--only", choices=("language", "noise", "beside", "cost"), help="one of the parts")
    options = parser.parse_args()
    if not options.data.is_dir():
        sys.exit(f"{options.data}: no such folder; give one with --data")
    kit = load_kit(Path("~/.cache/xtalker/assets").expanduser(), load_recipe())
    clips = {p: _sound(p) for p in sorted(options.data.iterdir())[:: options.every] if p.suffix in (".mp4", ".mpg")}
    parts: dict[str, Callable[[], None]] = {
        "language": lambda: languages(kit.whisper),
        "noise": lambda: under_noise(kit.dnsmos, clips),
        "beside": lambda: beside(clips),
        "cost": lambda: cost(kit.vad, kit.dnsmos, kit.whisper, clips),
    }
    for name, part in parts.items():
        if options.only in (None, name):
            part()


def _sound(path: Path) -> Float32:
    return np.concatenate(list(SoundFile(path).blocks()))


# --- language


def languages(whisper: Whisper) -> None:
    if shutil.which("text2wave") is None:
        print("language: festival is not installed (Debian: festival, festvox-*)")
        return
    right = total = 0
    for language, voice, encoding in VOICES:
        sound = np.concatenate([_spoken(voice, text.encode(encoding)) for text in SENTENCES[language]])
        starts = range(0, len(sound) - WINDOW_S * SAMPLE_RATE + 1, STEP_S * SAMPLE_RATE)
        heard = [whisper.hear(sound[s : s + WINDOW_S * SAMPLE_RATE]).language for s in starts]
        wrong = [found for found in heard if found != language]
        print(f"language {language}, {voice}: {len(heard) - len(wrong)} of {len(heard)} windows right {wrong or ''}")
        right, total = right + len(heard) - len(wrong), total + len(heard)
    print(f"language: {right} of {total} windows of {WINDOW_S} s, {right / total:.1%}")


def _spoken(voice: str, text: bytes) -> Float32:
    """By a voice of festival, at 16 kHz."""
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "said.wav"
        command = ["text2wave", "-eval", f"(voice_{voice})", "-o", str(made)]
        subprocess.run(command, input=text, check=True, capture_output=True)
        return _sound(made)


# --- noise


def under_noise(dnsmos: Dnsmos, clips: dict[Path, Float32]) -> None:
    rng = np.random.default_rng(0)
    scores: dict[int | None, list[tuple[float, ...]]] = {snr: [] for snr in SNRS_DB}
    for sound in clips.values():
        noise = rng.standard_normal(sound.size).astype(np.float32)
        for snr in SNRS_DB:
            noisy = sound if snr is None else _mixed(sound, noise, snr)
            found = dnsmos.score(np.clip(noisy, -1, 1))
            scores[snr].append((found.ovrl, found.sig, found.bak, found.p808))
    print(f"DNSMOS under white noise, median of {len(clips)} clips   ovrl   sig   bak  p808")
    medians = {snr: np.median(rows, axis=0) for snr, rows in scores.items()}
    for snr, row in medians.items():
        print(f"{'as it is' if snr is None else f'{snr} dB':>44} " + " ".join(f"{v:6.2f}" for v in row))
    falls = (np.diff(np.array(list(medians.values())), axis=0) < 0).all(axis=0)
    print(
        "falls at every step: "
        + ", ".join(f"{n} {bool(f)}" for n, f in zip(("ovrl", "sig", "bak", "p808"), falls, strict=True))
    )


def _mixed(sound: Float32, other: Float32, snr_db: float) -> Float32:
    level = np.sqrt(np.square(sound).mean() / max(float(np.square(other).mean()), 1e-12))
    return np.asarray(sound + other * level * 10 ** (-snr_db / 20), np.float32)


# --- what sounds beside the voice


def beside(clips: dict[Path, Float32]) -> None:
    sounds = {path: sound[: sound.size // SAMPLES_PER_FRAME * SAMPLES_PER_FRAME] for path, sound in clips.items()}
    alone_music = [music_score(sound) for sound in sounds.values()]
    alone_voice = [_second_voice(sound) for sound in sounds.values()]
    print(f"{len(sounds)} voices alone: music {_spread(alone_music)}, second voice {_spread(alone_voice)}")
    film = Path(DEFAULT_DATA.parent / "bad" / "silent_film_music_only.mp4")
    real = _sound(film) if film.exists() else None
    thresholds = load_recipe().gates
    for snr in BESIDE_DB:
        for kind in ("film", "pad", "piano", "band"):
            if kind == "film" and real is None:
                continue
            mixed = []
            for number, sound in enumerate(sounds.values()):
                rng = np.random.default_rng(number)
                other = tune(kind, sound.size, rng) if real is None or kind != "film" else np.resize(
                    np.roll(real, -int(rng.integers(real.size))), sound.size)  # fmt: skip
                mixed.append(music_score(_mixed(sound, other, snr)))
            caught = [np.mean(np.array(mixed) > tier.max_music) for tier in (thresholds.pretrain, thresholds.strict)]
            print(
                f"music {kind:5} {snr:2d} dB below: AUC {_auc(mixed, alone_music):.3f},"
                f" refused at pretrain {caught[0]:.0%}, at strict {caught[1]:.0%}"
            )
    rng = np.random.default_rng(0)
    paths = list(sounds)
    bound = float(np.percentile(alone_voice, 95))
    for snr in BESIDE_DB[:3]:
        mixed = []
        for path in paths:
            others = [p for p in paths if p.stem.split("_")[:-1] != path.stem.split("_")[:-1]]
            other = np.resize(sounds[others[int(rng.integers(len(others)))]], sounds[path].size)
            mixed.append(_second_voice(_mixed(sounds[path], other, snr)))
        found = np.mean(np.array(mixed) > bound)
        print(
            f"second voice {snr:2d} dB below: AUC {_auc(mixed, alone_voice):.3f}, {found:.0%} found at 5 % false alarms"
        )
    noisy = [_second_voice(_mixed(s, np.random.default_rng(1).standard_normal(s.size), 10)) for s in sounds.values()]
    print(f"white noise 10 dB below: second voice {_spread(noisy)}")


def _second_voice(sound: Float32) -> float:
    config = SpeechConfig()
    return second_voice_score(sound, pitch(sound, config.min_f0_hz, config.max_f0_hz)[0])


def _auc(above: list[float], below: list[float]) -> float:
    high, low = np.array(above)[:, None], np.array(below)
    return float((high > low).mean() + (high == low).mean() / 2)


def _spread(values: list[float]) -> str:
    return "{:.2f} median, {:.2f} 95 %, {:.2f} most".format(*np.percentile(values, [50, 95, 100]))


# --- cost


def cost(vad: SileroVad, dnsmos: Dnsmos, whisper: Whisper, clips: dict[Path, Float32]) -> None:
    torch.set_num_threads(1)
    pool = np.concatenate(list(clips.values()))
    recipe = load_recipe()
    spent: dict[str, dict[int, float]] = {}
    for seconds in (3, 10):
        n = seconds * SAMPLE_RATE
        made = [
            made_clip(25 * seconds, audio=np.ascontiguousarray(pool[k * n : k * n + n]))
            for k in range(1 + 60 // seconds)
        ]
        quality: list[VoiceQuality] = []
        tracks: list[SpeechTrack] = []

        def timed(part: str, work: Callable[[int], object]) -> None:
            work(0)  # the first call warms up
            begun = time.process_time()
            for k in range(1, len(made)):  # noqa: B023 - called at once
                work(k)
            spent.setdefault(part, {})[seconds] = (time.process_time() - begun) / ((len(made) - 1) * seconds)  # noqa: B023

        timed("voice: silero-vad", lambda k: vad.speech_probability(made[k].audio))  # noqa: B023
        timed("voice: DNSMOS", lambda k: dnsmos.score(made[k].audio))  # noqa: B023
        quality = [voice_quality(c.audio, vad, dnsmos, VoiceConfig()) for c in made]
        timed("voice: all of it", lambda k: voice_quality(made[k].audio, vad, dnsmos, recipe.voice))  # noqa: B023
        timed("speech: Whisper", lambda k: whisper.hear(made[k].audio))  # noqa: B023
        timed("speech: F0", lambda k: pitch(made[k].audio, 60, 500))  # noqa: B023
        timed("speech: all of it", lambda k: speech(made[k], quality[k], whisper, recipe.speech))  # noqa: B023
        tracks = [speech(c, replace(q), whisper, recipe.speech) for c, q in zip(made, quality, strict=True)]
        timed("cues: curves", lambda k: voice_curves(made[k], tracks[k]))  # noqa: B023
        timed("cues: music, second voice", lambda k: background(made[k], tracks[k]))  # noqa: B023
        timed(
            "cues: all of it",
            lambda k: (
                background(made[k], tracks[k]),  # noqa: B023
                voice_cues(tracks[k], voice_curves(made[k], tracks[k]), quality[k], recipe.cues),  # noqa: B023
            ),
        )
    print(f"{'core seconds a second of clip':32} {'3 s':>7} {'10 s':>7}")
    for part, by_length in spent.items():
        print(f"{part:32} {by_length[3]:7.3f} {by_length[10]:7.3f}")
    whole = [sum(row[n] for part, row in spent.items() if part.endswith("all of it")) for n in (3, 10)]
    print(f"{'the audio side':32} {whole[0]:7.3f} {whole[1]:7.3f}   (asked 0.6 and 0.3)")


if __name__ == "__main__":
    main()
