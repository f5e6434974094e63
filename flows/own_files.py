"""Files of the user's own that a recipe names: found, and known by their content before any work begins."""

import hashlib
from pathlib import Path

from flows.errors import InvalidRecipe
from models.deca.code import WHERE_DECA_IS_HAD
from models.flame.read import FlameArrays, FlameEdition, read_flame
from models.head.model import UnreadableHeadModel
from models.points68 import WHERE_FAN_IS_HAD
from models.syncnet.published import WHERE_SYNCNET_IS_HAD
from schemas.config import OwnFile
from tasks.cues import CuesConfig
from tasks.reconstruct import Backend, FanFiles, FlameFile, ReconstructConfig
from tasks.sync import SyncConfig


def identified(config: ReconstructConfig, recipe: Path) -> ReconstructConfig:
    """``config`` with absolute paths, relative ones beginning at the ``recipe``'s folder, and with what their files
    hold by name or hash. Raises ``InvalidRecipe`` for a file that is missing, is not what it should be, or is not
    the one named."""
    changes: dict[str, object] = {}
    if isinstance(config.head, FlameFile):
        head = config.head.model_copy(update={"path": _place(config.head.path, recipe)})
        arrays = flame_of(head)
        if head.name not in ("", arrays.name):
            raise InvalidRecipe(f"{recipe}: reconstruct.head: {head.path} holds {arrays.name}, not {head.name}")
        if config.backend is not Backend.LANDMARKS and not arrays.name.startswith(f"{FlameEdition.FLAME2020}@"):
            raise InvalidRecipe(f"{recipe}: reconstruct.head: DECA speaks FLAME 2020, {head.path} holds {arrays.name}")
        changes["head"] = head.model_copy(update={"name": arrays.name})
    if config.deca is not None:
        changes["deca"] = deca = _hashed(config.deca, recipe, "reconstruct.deca", WHERE_DECA_IS_HAD)
        _require_deca(deca.path)
    if config.fan is not None:
        network = _hashed(config.fan.network, recipe, "reconstruct.fan.network", WHERE_FAN_IS_HAD)
        depth = None
        if config.fan.depth is not None:
            depth = _hashed(config.fan.depth, recipe, "reconstruct.fan.depth", WHERE_FAN_IS_HAD)
        changes["fan"] = fan = config.fan.model_copy(update={"network": network, "depth": depth})
        _require_fan(fan)
    return config.model_copy(update=changes)


def identified_sync(config: SyncConfig, recipe: Path) -> SyncConfig:
    """``config`` with the absolute paths of its models, relative ones beginning at the ``recipe``'s folder, and with
    their hashes. Raises ``InvalidRecipe`` for what is missing, holds no sync model, or not the one named."""
    if config.syncnet is not None:
        weights = _hashed(config.syncnet.weights, recipe, "sync.syncnet.weights", WHERE_SYNCNET_IS_HAD)
        _require_syncnet(weights.path)
        config = config.model_copy(update={"syncnet": config.syncnet.model_copy(update={"weights": weights})})
    if config.model == "default":
        return config
    from models.sync.model import UnreadableSyncModel, identity_of, open_sync  # torch

    folder = _place(config.model.path, recipe)
    try:
        open_sync(folder)
    except UnreadableSyncModel as error:
        raise InvalidRecipe(f"{recipe}: sync.model: {error}") from error
    sha256 = identity_of(folder)
    if config.model.sha256 not in ("", sha256):
        raise InvalidRecipe(f"{recipe}: sync.model: {folder} has sha256 {sha256}, not {config.model.sha256}")
    return config.model_copy(update={"model": OwnFile(path=folder, sha256=sha256)})


def identified_cues(config: CuesConfig, recipe: Path) -> CuesConfig:
    """``config`` with the absolute path of its emotion model, if a folder of that name lies at the ``recipe``'s; any
    other name is a hub's. Raises ``InvalidRecipe`` for one that cannot be loaded."""
    if config.emotion_model is None:
        return config
    from models.speech_encoder import SpeechModelUnavailable
    from models.voice_emotion import TransformersEmotion  # torch

    folder = _place(Path(config.emotion_model), recipe)
    name = str(folder) if folder.is_dir() else config.emotion_model
    try:
        TransformersEmotion(name)
    except SpeechModelUnavailable as error:
        raise InvalidRecipe(f"{recipe}: cues.emotion_model: {error}") from error
    return config.model_copy(update={"emotion_model": name})


def flame_of(file: FlameFile) -> FlameArrays:
    """The arrays of a recipe's FLAME. Raises ``InvalidRecipe``."""
    try:
        return read_flame(file.path, file.edition, n_shapes=file.n_shapes, n_expressions=file.n_expressions)
    except UnreadableHeadModel as error:
        raise InvalidRecipe(f"reconstruct.head: {error}") from error


def _require_deca(path: Path) -> None:
    from models.deca.weights import DecaUnavailable, read_weights  # torch

    try:
        read_weights(path)
    except DecaUnavailable as error:
        raise InvalidRecipe(f"reconstruct.deca: {error}") from error


def _require_fan(fan: FanFiles) -> None:
    from models.fan import FanPoints, FanUnavailable  # torch

    try:
        FanPoints(fan.network.path, None if fan.depth is None else fan.depth.path)
    except FanUnavailable as error:
        raise InvalidRecipe(f"reconstruct.fan: {error}") from error


def _require_syncnet(path: Path) -> None:
    from models.syncnet.weights import SyncNetUnavailable, read_weights  # torch

    try:
        read_weights(path)
    except SyncNetUnavailable as error:
        raise InvalidRecipe(f"sync.syncnet.weights: {error}") from error


def _hashed(file: OwnFile, recipe: Path, name: str, where_it_is_had: str) -> OwnFile:
    path = _place(file.path, recipe)
    try:
        with path.open("rb") as stream:
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise InvalidRecipe(f"{recipe}: {name}: {path}: {error.strerror or error}. {where_it_is_had}.") from error
    if file.sha256 not in ("", sha256):
        raise InvalidRecipe(f"{recipe}: {name}: {path} has sha256 {sha256}, not {file.sha256}")
    return OwnFile(path=path, sha256=sha256)


def _place(path: Path, recipe: Path) -> Path:
    return (recipe.absolute().parent / path.expanduser()).resolve()
