"""Time is exact from file to clip, whatever clock the file keeps: every sound within 10 ms of where it belongs, and no
picture farther from its frame than the nearest possible one."""

from pathlib import Path

import numpy as np
import pytest

from tasks.media.hearing import SoundFile
from tests.clock.cases import CASES
from tests.clock.measure import clips_of, errors_of
from tests.clock.signals import chirp_error_s
from tests.clock.written import Case

MAX_S = 0.010
# One file of each kind of trouble.
FEW = {
    "frame rate: 23.976 mpg",
    "variable rate: 8 to 60 ms mp4",
    "start time: pictures at 2, sound at 1.613 mkv",
    "start time: stamps wrap ts",
    "edit list: both trimmed between pictures mp4",
    "edit list: a second cut out of both mov",
    "B-frames: 2 libx264 avi",
    "sound: PCM 11.025 kHz mov",
    "sound: Opus 24 kHz mkv",
    "stamps of sound: six packets lost ts",
    "stamps of sound: jitter by 10 ms mkv",
    "stamps of sound: Vorbis stamped with its end mkv",
    "spliced: stamps begin anew ts",
}


def check(case: Case, folder: Path) -> None:
    path, truth = case.make(folder)
    errors = errors_of(clips_of(path), truth)
    assert errors.lost == 0
    assert len(errors.chirp) >= 3
    assert np.abs(errors.chirp).max() <= MAX_S
    assert max(errors.picture) <= MAX_S


@pytest.mark.parametrize("case", [case for case in CASES if str(case) in FEW], ids=str)
def test_pictures_and_chirps_are_where_they_belong(case: Case, tmp_path: Path) -> None:
    check(case, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("case", [case for case in CASES if case.tells and str(case) not in FEW], ids=str)
def test_so_are_those_of_the_whole_set(case: Case, tmp_path: Path) -> None:
    check(case, tmp_path)


def test_the_set_is_large_and_its_few_are_in_it() -> None:
    names = {str(case) for case in CASES}
    assert len(names) == len(CASES) >= 60
    assert names >= FEW


def test_a_spliced_recording_is_heard_whole(tmp_path: Path) -> None:
    [case] = [case for case in CASES if str(case) == "spliced: stamps begin anew ts"]
    path, truth = case.make(tmp_path)
    sound = np.concatenate(list(SoundFile(path).blocks()))
    assert len(sound) / 16_000 == pytest.approx(6, abs=0.1)
    late = [chirp_error_s(sound, at_s) for at_s in truth.chirps_s]
    assert None not in late
    assert np.ptp(late[:6]) < 1e-3 > np.ptp(late[6:])
