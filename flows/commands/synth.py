"""``xtalker synth``."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError
from rich.console import Console
from rich.progress import track

from flows.commands.sample import VOICE
from flows.errors import WrongCall
from flows.settings import Settings
from models.assets import AssetStore
from models.synth.make import make_clips
from models.synth.settings import SynthConfig


def run(folder: Path, settings: Mapping[str, float], workers: int | None) -> int:
    """Make the clips in ``folder`` and print their paths."""
    try:
        config = SynthConfig.model_validate(settings)
    except ValidationError as error:
        fault = error.errors()[0]
        raise WrongCall(f"--{str(fault['loc'][0]).removesuffix('_px')}: {fault['msg']}") from error
    (voice,) = AssetStore(Settings.load().assets).pull([VOICE], progress=lambda line: print(line, file=sys.stderr))
    clips = make_clips(folder, voice, config, workers or os.cpu_count() or 1)
    for path in track(
        clips, "clips", total=config.clips, console=Console(stderr=True), disable=not sys.stderr.isatty()
    ):
        print(path)
    return 0
