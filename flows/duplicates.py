"""Near duplicates: the same speech as a clip that is kept already, though cut, scaled or encoded again.

Only here is everything known that was kept so far, so only here can this gate be judged: at the commit.
"""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from flows.late_refusals import refuse
from schemas.arrays import UInt32
from schemas.tables import TABLES
from schemas.verdict import Reason, Verdict
from tasks.assemble import verdict_row
from tasks.fingerprint import NOTHING, VERSION, DuplicateConfig, Match, find_duplicates
from warehouse.fingerprints import fingerprints_sharing
from warehouse.lake import Lake

GATE = "near_duplicate"


def refuse_near_duplicates(tables: Mapping[str, pa.Table], lake: Lake, config: DuplicateConfig) -> dict[str, pa.Table]:
    """``tables`` of one commit with a verdict of this gate on every clip that is kept so far; a clip that sounds like
    an earlier kept one, in the lake or in ``tables``, is refused. Clips of one source are never each other's
    duplicates: two faces in one picture share its sound."""
    kept = tables["clips"].filter(tables["clips"]["keep"])
    source_of = dict(zip(kept["clip_id"].to_pylist(), kept["source_id"].to_pylist(), strict=True))
    new = _fingerprints(tables["speech"], set(source_of))
    matches = _matches(new, source_of, lake, config)
    verdicts = [_verdict(clip_id, matches.get(clip_id), config) for clip_id in source_of]
    rows = [verdict_row(v, source_of[v.subject_id]) for v in verdicts]
    out = dict(tables)
    out["verdicts"] = pa.concat_tables([tables["verdicts"], pa.Table.from_pylist(rows, schema=TABLES["verdicts"])])
    return refuse(out, set(matches), Reason.NEAR_DUPLICATE)


def _matches(
    new: Mapping[str, UInt32], source_of: Mapping[str, str], lake: Lake, config: DuplicateConfig
) -> dict[str, Match]:
    """For each duplicate the clip it repeats. A clip that is itself refused as one cannot make another one."""
    if not new:
        return {}
    words = np.unique(np.concatenate(list(new.values())))
    words = words[words != NOTHING]
    known = fingerprints_sharing(lake, words, without_sources=sorted(set(source_of.values())))
    found: dict[str, Match] = {}
    for match in find_duplicates(new, known, config):
        same_source = source_of[match.name] == source_of.get(match.other)
        if not same_source and match.other not in found:
            found.setdefault(match.name, match)
    return found


def _verdict(clip_id: str, match: Match | None, config: DuplicateConfig) -> Verdict:
    if match is None:
        return Verdict(clip_id, GATE, True, None, None, config.max_bit_error_rate, f"fingerprint@{VERSION}")
    detail = f"{match.overlap_s:.1f} s of it are heard in clip {match.other} too"
    return Verdict(
        clip_id,
        GATE,
        False,
        Reason.NEAR_DUPLICATE,
        match.bit_error_rate,
        config.max_bit_error_rate,
        f"fingerprint@{VERSION}",
        detail,
    )


def _fingerprints(speech: pa.Table, wanted: set[str]) -> dict[str, UInt32]:
    pairs = zip(speech["clip_id"].to_pylist(), speech["fingerprint"], strict=True)
    return {clip_id: np.asarray(words.values, np.uint32) for clip_id, words in pairs if clip_id in wanted}
