"""The models a worker keeps warm."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import torch

from flows.recipe import Recipe
from models.assets import AssetStore
from models.dnsmos import Dnsmos
from models.head.model import HeadModel, load_open_head
from models.landmarks import FaceLandmarker
from models.speech_encoder import SpeechEncoder, TransformersEncoder
from models.sync.model import SyncModel, load_default_sync, open_sync
from models.transnet import TransNet
from models.vad import SileroVad
from models.whisper.model import Whisper


@dataclass(frozen=True, slots=True)
class Kit:
    """Everything the stages need beside data and settings. ``transnet`` and ``encoder`` only where a recipe asks."""

    landmarker: FaceLandmarker
    head: HeadModel
    sync: SyncModel
    vad: SileroVad
    dnsmos: Dnsmos
    whisper: Whisper
    transnet: TransNet | None
    encoder: SpeechEncoder | None


def load_kit(assets: Path, recipe: Recipe) -> Kit:
    """Load what ``recipe`` needs, on one thread each.

    Raises ``models.assets.AssetMissing``, ``models.speech_encoder.SpeechModelUnavailable``.
    """
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    store = AssetStore(assets)
    speech = recipe.speech
    whisper = store.path("whisper-base")
    other_encoder = speech.embedding_model != "whisper"
    return Kit(
        landmarker=FaceLandmarker(store.path("face-landmarker")),
        head=load_open_head(),
        sync=load_default_sync() if recipe.sync.model == "default" else open_sync(Path(recipe.sync.model)),
        vad=SileroVad(store.path("silero-vad")),
        dnsmos=Dnsmos(store.path("dnsmos")),
        whisper=Whisper(whisper) if other_encoder else Whisper(whisper, speech.embedding_layer),
        transnet=TransNet() if recipe.shots.detector == "transnet" else None,
        encoder=TransformersEncoder(speech.embedding_model, speech.embedding_layer) if other_encoder else None,
    )
