"""Who judges whether what a model performs says its sound: a sync model, and what it hears of the clips measured on."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from flows.errors import CannotTrain
from flows.sounds import sounds_of
from models.sync.features import sound_decades
from models.sync.model import SHIPPED, SyncCard, open_sync, read_sync_card
from tasks.evaluate.sync import SyncJudge
from warehouse.selection import SelectedClip


@dataclass(frozen=True, slots=True)
class Judging:
    """The judge, and what a report has to say of it."""

    judge: SyncJudge
    facts: dict[str, str]


def open_judging(clips: Sequence[SelectedClip], folder: Path | None = None) -> Judging:
    """The sync model of ``folder``, or the one that comes along, having heard ``clips``, each source read once; without
    those whose source is gone or is another file by now. Raises ``UnreadableSyncModel``."""
    place = folder or SHIPPED
    card, reader = read_sync_card(place), open_sync(place)
    heard = {}
    lost = ""
    for _, group in groupby(sorted(clips, key=lambda clip: clip.path), key=lambda clip: clip.path):
        try:
            for clip, audio in sounds_of(list(group)):
                heard[clip.clip_id] = reader.hear(sound_decades(audio))
        except CannotTrain as error:
            lost = f"; {error}"
    judged = [clip for clip in clips if clip.clip_id in heard]
    name = "the model that comes along" if folder is None else str(folder)
    facts = {
        "sync judged by": f"{name}, {_trained_on(card, judged)}",
        "heard for sync": f"{len(judged)} of {len(clips)} clips{lost}",
    }
    return Judging(SyncJudge(reader, heard), facts)


def _trained_on(card: SyncCard, judged: Sequence[SelectedClip]) -> str:
    """It knows its own speakers best: how far its word is independent."""
    if card.speakers is None:
        return "whose card does not say which speakers it was trained on"
    own = sum(clip.speaker_id in card.speakers for clip in judged)
    invented = f"{card.invented_speakers} invented speakers"
    people = ", ".join([*card.speakers, *([invented] if card.invented_speakers else [])]) or "nobody"
    return f"trained on {people}; {own} of these {len(judged)} clips are of speakers it was trained on"
