"""The numbers of a curation run: what each gate refused and what each stage cost."""

from collections.abc import Mapping
from typing import Final

from flows.duplicates import GATE as NEAR_DUPLICATE
from flows.report import CurationReport
from schemas.units import FRAME_RATE
from schemas.verdict import Reason
from tasks.judge import GATES

_REASON_OF: Final[Mapping[str, str]] = {
    **{gate.name: gate.reason.value for gate in GATES},
    NEAR_DUPLICATE: Reason.NEAR_DUPLICATE.value,
}

Row = dict[str, str | int | float | None]


def gate_rows(report: CurationReport) -> list[Row]:
    """A row for every gate that clips came to and every reason a file was refused for; what refused most comes first,
    what refused none last. A clip may miss several gates; ``decided`` counts it once, at the first of them.
    """
    n_files = report.sources.total()
    clips = [
        _counted("clip", gate, reason, kept.total(), kept[False], report.clip_reasons[reason])
        for gate, kept in report.gates.items()
        for reason in (_REASON_OF.get(gate, gate),)
    ]
    files = [_counted("file", "any", reason, n_files, n, n) for reason, n in report.source_reasons.items()]
    return sorted([*clips, *files], key=lambda row: (not row["refused"], row["of a"], -int(row["refused"] or 0)))


def _counted(of: str, gate: str, reason: str, measured: int, refused: int, decided: int) -> Row:
    return {
        "of a": of,
        "gate": gate,
        "reason": reason,
        "measured": measured,
        "kept": measured - refused,
        "refused": refused,
        "refused, %": percent(refused, measured),
        "decided": decided,
    }


def speed_rows(report: CurationReport) -> list[Row]:
    """A row for every stage, the dearest first, below their sum: processor time in all, a frame of video, a second of
    video, and its share."""
    total, frames = sum(report.stage_cpu_s.values()), report.curated_s * float(FRAME_RATE)
    stages = sorted(report.stage_cpu_s.items(), key=lambda stage: -stage[1])
    return [
        {
            "stage": name,
            "CPU, s": f"{cpu_s:.1f}",
            "a frame, ms": f"{1000 * cpu_s / frames:.2f}" if frames else None,
            "a second of video, ms": f"{1000 * cpu_s / report.curated_s:.0f}" if frames else None,
            "share, %": percent(cpu_s, total),
        }
        for name, cpu_s in [("all stages", total), *stages]
    ]


def percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.1f}" if whole else ""
