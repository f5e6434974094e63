"""What a performance may be refused for, on its way to the user."""

from collections.abc import Iterator
from contextlib import contextmanager

from flows.errors import CannotPerform, WrongCall
from models.avatar.protocol import UnknownSpeech
from models.controls.keys import BadControl
from models.controls.sentence import UnreadableSentenceModel
from models.encode import EncodingFailed
from models.export.formats import WrongHeadModel
from models.head.model import NoNamedActions, UnreadableHeadModel
from models.head.shelf import UnknownHeadModel
from models.training.checkpoint import UnreadableCheckpoint
from tasks.draw import DrawingProcessDied
from tasks.media.hearing import CannotListen
from tasks.media.picture import UnreadablePicture
from tasks.portrait import NoFaceInImage, SeveralFaces

_REFUSALS = (
    CannotListen,
    DrawingProcessDied,
    EncodingFailed,
    NoFaceInImage,
    NoNamedActions,
    SeveralFaces,
    UnknownHeadModel,
    UnreadableHeadModel,
    UnknownSpeech,
    UnreadableCheckpoint,
    UnreadablePicture,
    UnreadableSentenceModel,
    WrongHeadModel,
)


@contextmanager
def told() -> Iterator[None]:
    """Refusals of the models and the stages, as errors of a call or of a run. Raises ``WrongCall``,
    ``CannotPerform``."""
    try:
        yield
    except BadControl as error:
        raise WrongCall(str(error)) from error
    except _REFUSALS as error:
        raise CannotPerform(str(error)) from error
