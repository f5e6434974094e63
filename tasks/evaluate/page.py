"""The report as HTML: everything inlined but the films, every text escaped."""

from collections.abc import Iterable, Mapping
from html import escape
from itertools import groupby

from tasks.evaluate.measure import METRICS, Metric
from tasks.evaluate.records import Evaluation, Row, Score, Span, Split, Warning

_STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, sans-serif; color: #2b2b30; background: #fcfcfa; max-width: 72rem; margin: 2rem auto;
  padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .6rem; text-align: right; vertical-align: top; border-bottom: 1px solid #e6e4de; }
th:first-child, td:first-child { text-align: left; } thead th { position: sticky; top: 0; background: #fcfcfa; }
td small, th small { display: block; color: #77767c; font-weight: normal; white-space: nowrap; }
.model { background: #fbeef0; } .wide { overflow-x: auto; }
.warnings { background: #fff4e0; border-left: 4px solid #d98e04; padding: .6rem 1rem; }
.fine { background: #eef6ee; border-left: 4px solid #4c9a56; padding: .6rem 1rem; }
figure { margin: 1rem 0; } figure svg { max-width: 100%; height: auto; } video { max-width: 100%; }
"""


def page(evaluation: Evaluation, plots: Mapping[str, str], videos: Mapping[str, str], facts: Mapping[str, str]) -> str:
    """The document. ``plots`` are SVG texts by caption, ``videos`` file names beside the page by clip."""
    sections = [
        "<h1>How well the model speaks</h1>",
        _warnings(evaluation.warnings),
        _facts(evaluation, facts),
        *(_table(evaluation, split) for split in Split if any(score.split is split for score in evaluation.scores)),
        _audits(evaluation),
        *(_film(clip_id, name) for clip_id, name in videos.items()),
        *(f"<figure><figcaption>{escape(title)}</figcaption>{_inline(svg)}</figure>" for title, svg in plots.items()),
        _meanings(),
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Evaluation</title>'
        f"<style>{_STYLE}</style></head><body>{''.join(sections)}</body></html>\n"
    )


def _warnings(warnings: Iterable[Warning]) -> str:
    """What must not win and does, first; then where the look-up baseline wins."""
    controls = [w for w in warnings if w.row is not Row.NEIGHBOURS]
    rival = [w for w in warnings if w.row is Row.NEIGHBOURS]
    if not controls and not rival:
        return '<p class="fine">No metric ranks a control or the look-up baseline above the model.</p>'
    parts = []
    if controls:
        parts.append("<h2>Warnings: these must lose, and do not</h2>" + _grouped(controls))
    else:
        parts.append("<p>No metric ranks a control above the model.</p>")
    if rival:
        parts.append("<h2>The look-up baseline is as good or better</h2>" + _grouped(rival))
    return f'<div class="warnings">{"".join(parts)}</div>'


def _grouped(warnings: list[Warning]) -> str:
    def group(w: Warning) -> tuple[int, int, int]:
        return list(Split).index(w.split), list(Span).index(w.span), list(Row).index(w.row)

    items = []
    for _, found in groupby(sorted(warnings, key=lambda w: (*group(w), not w.sure)), key=group):
        members = list(found)
        first = members[0]
        said = ", ".join(
            f"{'<b>' if w.sure else ''}{escape(w.metric)} {_number(w.other)} against {_number(w.model)}"
            f"{'</b>' if w.sure else ''}"
            for w in members
        )
        items.append(f"<li>{escape(f'{first.row}, {first.split}, {first.span}')}: {said}</li>")
    legend = "Row's value against the model's; bold where the paired interval leaves out zero."
    return f"<p>{legend}</p><ul>{''.join(items)}</ul>"


def _facts(evaluation: Evaluation, facts: Mapping[str, str]) -> str:
    config = evaluation.config
    known = {
        **facts,
        "clips": f"{len(evaluation.audits)} evaluated, {evaluation.n_training_clips} trained on",
        "shown to the model": "the clip's first frame" if config.reference == "first" else "nothing of the person",
        "seeds": ", ".join(map(str, config.seeds)),
        "intervals": f"{100 * config.confidence:g} %, bootstrap of {config.draws} draws over clips",
        "measured": "on the mean head with its rotation removed; large: speech span, small: interval, whole clip",
    }
    rows = "".join(f"<tr><td>{escape(key)}</td><td>{escape(value)}</td></tr>" for key, value in known.items())
    return f"<table>{rows}</table>"


def _table(evaluation: Evaluation, split: Split) -> str:
    cells = {(s.metric, s.row, s.span): s for s in evaluation.scores if s.split is split}
    n_clips = sum(audit.split is split for audit in evaluation.audits)
    heads = "".join(f"<th{_class(row)}>{escape(_row_name(row, evaluation))}</th>" for row in Row)
    body = "".join(
        f"<tr><td>{escape(metric.name)}<small>{escape(_unit(metric))}</small></td>"
        + "".join(
            f"<td{_class(row)}>{_cell(*(cells.get((metric.name, row, span)) for span in Span))}</td>" for row in Row
        )
        + "</tr>"
        for metric in METRICS
    )
    return (
        f"<h2>{escape(split)}: {n_clips} clips</h2>"
        f'<div class="wide"><table><thead><tr><th>metric</th>{heads}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def _row_name(row: Row, evaluation: Evaluation) -> str:
    return f"{row} (k = {evaluation.config.neighbours})" if row is Row.NEIGHBOURS else str(row)


def _class(row: Row) -> str:
    return ' class="model"' if row is Row.MODEL else ""


def _unit(metric: Metric) -> str:
    return ", ".join(filter(None, (metric.unit, f"{metric.better} is better" if metric.better != "-" else "")))


def _cell(speech: Score | None, whole: Score | None) -> str:
    said = []
    if speech:
        spread = f" ± {_number(speech.seed_sd)} seeds" if speech.seed_sd is not None else ""
        said.append(f"{_number(speech.value)}<small>{_number(speech.low)} … {_number(speech.high)}{spread}</small>")
    if whole:
        said.append(f"<small>whole {_number(whole.value)}</small>")
    return "".join(said) or "–"


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _audits(evaluation: Evaluation) -> str:
    late = [audit for audit in evaluation.audits if audit.late]
    if not late:
        return "<h2>Sync</h2><p>No clip correlates better when shifted.</p>"
    rows = "".join(
        f"<tr><td>{escape(a.clip_id)}</td><td>{escape(a.speaker_id)}</td><td>{a.lag_frames:+d}</td>"
        f"<td>{a.lag_correlation:.2f}</td><td>{a.correlation:.2f}</td></tr>"
        for a in late
    )
    return (
        f"<h2>Sync: {len(late)} of {len(evaluation.audits)} clips look out of sync</h2>"
        "<p>Lag at which the model's lip gap fits best; positive: the picture runs ahead of the sound. They are "
        "scored as they are.</p>"
        "<table><thead><tr><th>clip</th><th>speaker</th><th>lag, frames</th><th>correlation</th>"
        f"<th>without shift</th></tr></thead><tbody>{rows}</tbody></table>"
    )


def _film(clip_id: str, name: str) -> str:
    return (
        f"<figure><figcaption>{escape(clip_id)}</figcaption>"
        f'<video controls preload="metadata" src="{escape(name, quote=True)}"></video></figure>'
    )


def _inline(svg: str) -> str:
    """The drawing without its XML prologue, which HTML does not allow inside."""
    return svg[svg.index("<svg") :]


def _meanings() -> str:
    items = "".join(f"<tr><td>{escape(m.name)}</td><td>{escape(m.meaning)}</td></tr>" for m in METRICS)
    return f"<h2>What the metrics mean</h2><table>{items}</table>"
