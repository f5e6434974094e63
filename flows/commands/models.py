"""``xtalker models``: the versions, and what became of them."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from flows.commands.ask import print_table
from flows.settings import Settings
from schemas.version import MODEL_ROW, ModelMetric
from warehouse.lake import reading
from warehouse.registry import CHAMPION, aliases, decisions, metrics_of, resolve_version, versions

_SEEN, _UNSEEN = "seen speakers, new sentences", "unseen speakers"
_MEASURED = {"LVE mm": ("LVE", _SEEN), "gap r": ("gap correlation", _SEEN), "LVE unseen": ("LVE", _UNSEEN)}
_COLUMNS = ("version", "alias", "snapshot", "minutes", "licence", "parameters", "made", *_MEASURED)


def run_list(warehouse: Path | None, as_json: bool) -> int:
    with reading(Settings.load(warehouse).warehouse) as lake:
        known = versions(lake)
        names = aliases(lake)
        measured = {version.version: metrics_of(lake, version.version) for version in known}
    if as_json:
        rows: list[dict[str, Any]] = [
            asdict(v) | {"aliases": [a for a, held in names.items() if held == v.version]} for v in known
        ]
        print(json.dumps(rows, indent=2, default=str))
        return 0
    if not known:
        print("no models yet; `xtalker train` makes the first")
        return 0
    print_table(
        _COLUMNS,
        (
            [
                v.version,
                " ".join(alias for alias, held in names.items() if held == v.version),
                v.snapshot,
                round(60 * v.train_hours, 1),
                v.licence_class.value,
                f"{v.n_parameters / 1e6:.1f} M",
                f"{v.created:%Y-%m-%d %H:%M}",
                *(_value(measured[v.version], metric, split) for metric, split in _MEASURED.values()),
            ]
            for v in known
        ),
    )
    return 0


def run_show(name: str, warehouse: Path | None) -> int:
    with reading(Settings.load(warehouse).warehouse) as lake:
        version = resolve_version(lake, name)
        metrics = metrics_of(lake, version.version)
        history = [d for d in decisions(lake) if version.version in (d.version, d.previous)]
    for key, value in asdict(version).items():
        print(f"{key:18s} {value}")
    print()
    print_table(
        ("metric", "split", "span", "row", "value", "low", "high", "clips"),
        ([m.metric, m.split, m.span, m.row, m.value, m.low, m.high, m.n] for m in metrics if m.span == "speech span"),
    )
    print()
    for decision in history:
        print(f"{decision.set_at:%Y-%m-%d %H:%M} {decision.kind} {decision.version}: {decision.reason}")
    return 0


def run_promote(name: str, force: bool, warehouse: Path | None) -> int:
    from flows.training import CODE_VERSION
    from warehouse.promotion import PromotionRule
    from warehouse.registry import promote

    decision = promote(Settings.load(warehouse).warehouse, name, PromotionRule(), CODE_VERSION, force=force)
    print(f"{decision.version} {'is' if decision.moved else 'is not made'} {CHAMPION}: {decision.reason}")
    return 0


def run_rollback(warehouse: Path | None) -> int:
    from flows.training import CODE_VERSION
    from warehouse.registry import rollback

    decision = rollback(Settings.load(warehouse).warehouse, CODE_VERSION)
    print(f"{CHAMPION} is {decision.version} again")
    return 0


def _value(metrics: Sequence[ModelMetric], metric: str, split: str) -> float | None:
    wanted = (metric, split, "speech span", MODEL_ROW)
    return next((m.value for m in metrics if (m.metric, m.split, m.span, m.row) == wanted), None)
