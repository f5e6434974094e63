"""From a snapshot to a sync model: gather, train, calibrate on what was not trained on, write."""

import hashlib
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import Field
from rich.console import Console

from flows.errors import CannotTrain
from flows.sync_data import clips_of_warehouse, invented_clips
from models.sync.calibration import SyncCalibration, calibrate
from models.sync.clips import SyncClips
from models.sync.model import SyncCard, SyncModel, write_sync
from models.sync.network import SyncNetwork, SyncNetworkConfig
from models.sync.objective import SyncObjective
from models.sync.trials import trials_of
from models.sync.windows import SyncWindows, SyncWindowsConfig
from models.training.curves import recording
from models.training.loop import Trained, train
from models.training.progress import showing
from models.training.settings import TrainConfig
from models.training.team import join_team
from schemas.config import StageConfig
from warehouse.selection import SENTENCES, TRAIN, SelectedClips, Selection, select_clips

_OTHER_PEOPLE: Final = 1_000_003  # added to the seed: invented speakers to calibrate on
_CALIBRATION_SPEAKERS: Final = 24
_CALIBRATION_ROUNDS: Final = 2
_KEY_DIGITS: Final = 16


class SyncPlan(StageConfig):
    """What ``xtalker train-sync`` does."""

    selection: Selection = Field(default_factory=Selection)
    invented_speakers: int = Field(96, ge=0, description="eight clips each; they are in step by construction")
    invented_share: float = Field(0.5, ge=0, le=1, description="of every batch, where there are clips of both kinds")
    seed: int = Field(0, ge=0)
    network: SyncNetworkConfig = Field(default_factory=SyncNetworkConfig)
    windows: SyncWindowsConfig = Field(default_factory=SyncWindowsConfig)
    schedule: TrainConfig = Field(
        default_factory=lambda: TrainConfig(max_minutes=12, learning_rate=1.5e-3, ema_decay=0.998, weight_decay=0.05)
    )


@dataclass(frozen=True, slots=True)
class SyncTrained:
    run: Path
    trained: Trained
    card: SyncCard | None  # None where it was stopped


def train_sync(
    root: Path, assets: Path, plan: SyncPlan, output: Path, devices: str, resume: bool, console: Console
) -> SyncTrained:
    """Carry out ``plan`` and write the model as the folder ``output``.

    Raises ``CannotTrain``, and what ``select_clips``, ``sounds_of`` and ``models.training.loop.train`` do.
    """
    if output.exists():
        raise CannotTrain(f"{output} exists: name another folder, a finished model is never overwritten")
    selected = select_clips(root, plan.selection)
    plan = plan.model_copy(update={"selection": selected.selection})
    run = root / "training" / "runs" / hashlib.sha256(plan.model_dump_json().encode()).hexdigest()[:_KEY_DIGITS]
    console.print(f"hearing {len(selected.clips)} clips of snapshot {selected.snapshot} again")
    real = clips_of_warehouse(root, selected, TRAIN)
    held_out = clips_of_warehouse(root, selected, SENTENCES, "val")
    if plan.invented_speakers:
        console.print(f"inventing {plan.invented_speakers + _CALIBRATION_SPEAKERS} speakers")
    shares = _shares(real, plan, root, assets)
    unheard = [held_out] if held_out is not None else []
    if plan.invented_speakers:
        unheard.append(invented_clips(root, assets, _CALIBRATION_SPEAKERS, plan.seed + _OTHER_PEOPLE))
    if not shares:
        raise CannotTrain("no clip to learn from: the sources are gone, and no speaker is to be invented")
    if not unheard:
        raise CannotTrain("no clip to calibrate on: select more, a larger holdout, or invent speakers")
    objective = SyncObjective(plan.network)
    with ExitStack() as open_until_done:
        team = open_until_done.enter_context(join_team(devices))
        watchers = (
            open_until_done.enter_context(recording(run)),
            open_until_done.enter_context(showing(console)),
        )
        windows = SyncWindows(shares, plan.windows)
        validation = SyncWindows(tuple((clips, 1.0) for clips in unheard), plan.windows.for_validation())
        trained = train(objective, windows, validation, run, plan.schedule, team, watchers, resume)
    if not trained.finished:
        return SyncTrained(run, trained, None)
    objective.load_state_dict(trained.weights)
    console.print("calibrating it on clips it has not seen")
    calibration = calibrate_on(objective.network, unheard, plan.seed)
    card = _card(plan, selected, trained, shares, calibration)
    return SyncTrained(run, trained, write_sync(output, card, objective.network.state_dict()))


def calibrate_on(network: SyncNetwork, bodies: list[SyncClips], seed: int) -> SyncCalibration:
    """By the clips of ``bodies``, none of which ``network`` was trained on."""
    reader = SyncModel(network, SyncCalibration())
    return calibrate([trial for clips in bodies for trial in trials_of(reader, clips, seed, _CALIBRATION_ROUNDS)])


def _shares(real: SyncClips | None, plan: SyncPlan, root: Path, assets: Path) -> tuple[tuple[SyncClips, float], ...]:
    invented = invented_clips(root, assets, plan.invented_speakers, plan.seed) if plan.invented_speakers else None
    shares = ((real, 1 - plan.invented_share), (invented, plan.invented_share))
    return tuple((clips, share if real and invented else 1.0) for clips, share in shares if clips is not None)


def _card(
    plan: SyncPlan,
    selected: SelectedClips,
    trained: Trained,
    shares: tuple[tuple[SyncClips, float], ...],
    calibration: SyncCalibration,
) -> SyncCard:
    return SyncCard(
        network=plan.network,
        calibration=calibration,
        speakers=tuple(sorted({clip.speaker_id for clip in selected.of(TRAIN)})),
        invented_speakers=plan.invented_speakers,
        training={
            "snapshot": selected.snapshot,
            "licence_class": selected.licence_class.value if selected.of(TRAIN) else "",
            "steps": trained.step,
            "minutes": round(trained.elapsed_s / 60, 2),
            "clips": [clips.n_clips for clips, _ in shares],
            "clip_minutes": [round(clips.n_frames / 1500, 1) for clips, _ in shares],
            "plan": plan.model_dump(mode="json"),
        },
        metrics={f"validation {name}": round(value, 4) for name, value in trained.validation.items()},
    )
