"""Checkpoints, metrics and registered models for the tests of the registry."""

from collections.abc import Mapping
from pathlib import Path

from schemas.version import MODEL_ROW, ModelMetric, ModelVersion, TrainedModel
from warehouse.promotion import Measure, PromotionRule
from warehouse.registry import register
from warehouse.selection import Selection, select_clips

RULE = PromotionRule(guards=())


def checkpoint(folder: Path, weights: bytes = b"weights") -> Path:
    (folder / "more").mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(weights)
    (folder / "more" / "config.json").write_text("{}")
    return folder


def metric(value: float, row: str = MODEL_ROW, measure: Measure | None = None) -> ModelMetric:
    measure = measure or Measure()
    return ModelMetric(measure.split, measure.span, measure.metric, row, value, value - 0.1, value + 0.1, 7)


def metrics(lve: float, **versions: float) -> list[ModelMetric]:
    """An evaluation in which the model beats the controls if ``lve`` is under 3, beside other versions."""
    others = {"mean motion": 3.0, "shuffled audio": 3.2, **versions}
    return [metric(lve), *(metric(value, row) for row, value in others.items())]


def registered(
    root: Path,
    folder: Path,
    name: str,
    lve: float = 1.0,
    selection: Selection | None = None,
    parent: str | None = None,
    beside: Mapping[str, float] | None = None,
) -> ModelVersion:
    """A model whose weights are ``name``, registered in the warehouse at ``root``."""
    trained = TrainedModel("small", 5, "test", parent)
    selected = select_clips(root, selection or Selection(holdout_share=0))
    return register(root, trained, selected, metrics(lve, **beside or {}), checkpoint(folder / name, name.encode()))
