"""``xtalker evaluate``."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from flows.errors import CannotTrain
from flows.evaluation import EvaluationPlan, evaluate_on, held_out_of, in_short, soundtracks
from flows.hearing import open_ear
from flows.judging import open_judging
from flows.performing import DEFAULT, find_model
from flows.settings import Settings
from flows.training import facts_of
from models.avatar.protocol import UnknownSpeech
from models.head.model import UnreadableHeadModel
from models.head.shelf import HeadShelf, UnknownHeadModel
from models.presets import open_model
from models.speech_encoder import SpeechModelUnavailable
from models.sync.model import UnreadableSyncModel
from models.training.checkpoint import UnreadableCheckpoint, read_card
from models.whisper.checkpoint import InvalidWhisperModel
from tasks.evaluate.records import EvaluateConfig
from tasks.evaluate.report import write_report
from warehouse.lake import reading
from warehouse.registry import resolve_version
from warehouse.selection import Selection, select_clips

_REFUSALS: Final = (
    InvalidWhisperModel,
    SpeechModelUnavailable,
    UnknownHeadModel,
    UnreadableHeadModel,
    UnknownSpeech,
    UnreadableCheckpoint,
    UnreadableSyncModel,
)


def run(
    model: str | None,
    splits: Sequence[str],
    report: Path | None,
    seeds: int,
    films: int,
    steps: int | None,
    where: str | None,
    sync: Path | None,
    warehouse: Path | None,
) -> int:
    settings = Settings.load(warehouse)
    name, folder = find_model(settings.warehouse, model)
    card = read_card(folder)
    selection = Selection(head_model=card.head_model)
    if name != DEFAULT:
        with reading(settings.warehouse) as lake:
            selection = Selection.model_validate_json(resolve_version(lake, name).selection)
    if where is not None:
        selection = selection.model_copy(update={"where": where})
    selected = select_clips(settings.warehouse, selection)
    measures = EvaluateConfig(seeds=tuple(range(seeds)), steps=steps)
    plan = EvaluationPlan(splits=tuple(splits), measures=measures)
    try:
        heads = HeadShelf.beside(settings.assets)
        head = heads.head(card.head_model)
        ear = open_ear(settings.assets, card.speech_model)
        judging = open_judging(held_out_of(selected, plan), sync)
        performer = open_model(folder, heads=heads)
        evaluation = evaluate_on(settings.warehouse, performer, ear, selected, plan, head, judging.judge)
    except _REFUSALS as error:
        raise CannotTrain(str(error)) from error
    print(f"{name} on {', '.join(splits)} of snapshot {selected.snapshot}")
    print("\n".join([*in_short(evaluation), *(f"{key} {value}" for key, value in judging.facts.items())]))
    late = [audit.clip_id for audit in evaluation.audits if audit.late]
    if late:
        print(f"out of sync by the model's ear: {', '.join(late)}")
    if report is not None:
        sounds = soundtracks(selected, [clip.clip_id for clip in evaluation.played[:films]])
        facts = {"version": name} | facts_of(card) | judging.facts
        print(f"report {write_report(evaluation, report, sounds, facts, head)}")
    return 0
