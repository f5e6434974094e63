"""The models a worker keeps warm."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import torch

from flows.heads import head_name
from flows.recipe import Recipe
from models.assets import AssetStore
from models.deca.encoder import DecaEncoder
from models.dnsmos import Dnsmos
from models.evidence.readout import LipReadout, load_readout
from models.head.model import HeadModel
from models.head.shelf import HeadShelf
from models.landmarks import FaceLandmarker
from models.points68 import SecondLook
from models.speech_encoder import SpeechEncoder, TransformersEncoder
from models.sync.model import SyncModel, load_default_sync, open_sync
from models.syncnet.reader import SyncNet
from models.transnet import TransNet
from models.vad import SileroVad
from models.voice_emotion import TransformersEmotion
from models.whisper.model import Whisper
from tasks.reconstruct import Backend, FanFiles, ReconstructConfig
from tasks.sync import SyncNetFile


@dataclass(frozen=True, slots=True)
class Kit:
    """Everything the stages need beside data and settings. ``transnet``, ``encoder``, ``deca``, ``second``,
    ``syncnet`` and ``emotion`` only where a recipe asks."""

    landmarker: FaceLandmarker
    head: HeadModel
    sync: SyncModel
    vad: SileroVad
    dnsmos: Dnsmos
    whisper: Whisper
    readout: LipReadout
    transnet: TransNet | None
    encoder: SpeechEncoder | None
    deca: DecaEncoder | None = None
    second: SecondLook | None = None
    syncnet: SyncNet | None = None
    emotion: TransformersEmotion | None = None


def load_kit(assets: Path, recipe: Recipe) -> Kit:
    """Load what ``recipe`` needs, on one thread each.

    A FLAME must be on the shelf already (``flows.heads.make_head_ready``). Raises ``models.assets.AssetMissing``,
    ``models.speech_encoder.SpeechModelUnavailable``, ``models.head.shelf.UnknownHeadModel`` and
    ``models.deca.weights.DecaUnavailable``, ``models.fan.FanUnavailable`` and
    ``models.syncnet.weights.SyncNetUnavailable``.
    """
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    store = AssetStore(assets)
    speech, found_by = recipe.speech, recipe.reconstruct
    whisper = store.path("whisper-base")
    other_encoder = speech.embedding_model != "whisper"
    return Kit(
        landmarker=FaceLandmarker(store.path("face-landmarker")),
        head=HeadShelf.beside(assets).head(head_name(recipe)),
        sync=load_default_sync() if recipe.sync.model == "default" else open_sync(recipe.sync.model.path),
        vad=SileroVad(store.path("silero-vad")),
        dnsmos=Dnsmos(store.path("dnsmos")),
        whisper=Whisper(whisper) if other_encoder else Whisper(whisper, speech.embedding_layer),
        readout=load_readout(),
        transnet=TransNet() if recipe.shots.detector == "transnet" else None,
        encoder=TransformersEncoder(speech.embedding_model, speech.embedding_layer) if other_encoder else None,
        deca=_deca(found_by) if found_by.backend is not Backend.LANDMARKS else None,
        second=_second(found_by.fan) if found_by.fan is not None else None,
        syncnet=_syncnet(recipe.sync.syncnet) if recipe.sync.syncnet is not None else None,
        emotion=TransformersEmotion(recipe.cues.emotion_model) if recipe.cues.emotion_model is not None else None,
    )


def _second(files: FanFiles) -> SecondLook:
    from models.fan import FanPoints  # the package of an extra

    depth = None if files.depth is None else files.depth.path
    return SecondLook(FanPoints(files.network.path, depth, _device()), files.every_frames)


def _device() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"


def _deca(config: ReconstructConfig) -> DecaEncoder:
    assert config.deca is not None  # as the settings' own check has it
    return DecaEncoder.from_file(config.deca.path, _device())


def _syncnet(file: SyncNetFile) -> SyncNet:
    name = f"syncnet_v2@{file.weights.sha256[:8]}"
    return SyncNet.from_file(file.weights.path, name, file, _device())
