"""A warehouse of talkers made up: motion and speech that a motion model can be trained on, with no video behind it."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from flows.curation import commit_batch
from flows.protocol import write_draft
from flows.recipe import load_recipe
from tasks.assemble import assemble
from tests.flows.records import N_FRAMES, offered, record, voice
from tests.models.training.clips import clip

EAR, EAR_DIM = "whisper-base:2", 512


def warehouse_of_talkers(folder: Path, n: int) -> Path:
    """A warehouse of ``n`` clips of 3 s; the transcripts of the last two begin with "held out"."""
    recipe, drafts = load_recipe(), []
    for number in range(n):
        path = folder / f"{number}.mp4"
        path.write_text(f"take {number}")
        file = offered(path, licence="CC0-1.0")
        made = record(file, recipe, voice(number))
        (talk,) = made.clips
        motion, _, _ = clip(number, N_FRAMES)
        embedding = np.random.default_rng(number).normal(size=(N_FRAMES, EAR_DIM)).astype(np.float32)
        said = f"{'held out' if number >= n - 2 else 'for training'} number {number}"
        talk = replace(
            talk,
            motion=replace(motion, clip_id=talk.motion.clip_id),
            speech=replace(talk.speech, embedding=embedding, embedding_model=EAR, transcript=said),
        )
        drafts.append(folder / f"{number}.arrow")
        write_draft(drafts[-1], assemble(replace(made, clips=(talk,)), recipe.curation_key, file.modified_ns))
    commit_batch(folder / "warehouse", drafts, (), recipe)
    return folder / "warehouse"
