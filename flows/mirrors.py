"""Mirrored videos: a face that is another's mirror image, where the other is the same person's in earlier videos.

One clip alone cannot tell: a mirrored face is as good a face. So this gate, too, is judged at the commit.
"""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from flows.late_refusals import refuse
from flows.recipe import Recipe
from schemas.tables import TABLES
from schemas.verdict import Reason, Verdict
from tasks.assemble import verdict_row
from tasks.mirrors import VERSION, likeness
from warehouse.asymmetries import asymmetries_of
from warehouse.lake import Lake

GATE = "mirrored"
STAGE_VERSION = f"mirrors@{VERSION}"


def refuse_mirrored(tables: Mapping[str, pa.Table], lake: Lake, recipe: Recipe) -> dict[str, pa.Table]:
    """``tables`` of one commit, measured by ``recipe``, with a verdict of this gate on every clip that is kept so far
    and whose speaker is known from other videos; one whose asymmetry is theirs in a mirror is refused."""
    clips = tables["clips"].filter(tables["clips"]["keep"]).select(["clip_id", "source_id", "speaker_id"]).to_pylist()
    of_clip = dict(zip(tables["motion"]["clip_id"].to_pylist(), tables["motion"]["asymmetry"].to_pylist(), strict=True))
    config, speakers, sources = recipe.mirrors, {c["speaker_id"] for c in clips}, {c["source_id"] for c in clips}
    known = asymmetries_of(lake, speakers, sources, recipe.curation_key)
    for clip in clips:
        if (face := of_clip.get(clip["clip_id"])) is not None:
            known.setdefault(clip["speaker_id"], {}).setdefault(clip["source_id"], np.array(face, np.float32))
    verdicts = []
    for clip in clips:
        face = of_clip.get(clip["clip_id"])
        others = [f for source, f in known.get(clip["speaker_id"], {}).items() if source != clip["source_id"]]
        if face is not None and (measured := likeness(np.array(face, np.float32), others, config)) is not None:
            keep = measured >= config.min_cosine
            reason = None if keep else Reason.MIRRORED
            verdict = Verdict(clip["clip_id"], GATE, keep, reason, measured, config.min_cosine, STAGE_VERSION)
            verdicts.append(verdict_row(verdict, clip["source_id"]))
    out = dict(tables)
    out["verdicts"] = pa.concat_tables([tables["verdicts"], pa.Table.from_pylist(verdicts, schema=TABLES["verdicts"])])
    return refuse(out, {row["subject_id"] for row in verdicts if not row["keep"]}, Reason.MIRRORED)
