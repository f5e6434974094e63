"""What emotions a face shows: ARKit's actions, read as the action units of FACS, against the prototypes of EMFACS.

The mapping and its sources are those with which emotions are drawn (``models.controls.templates``): what `generate
--emotion happy` does to a face is what is read here as happy. It is a reading of the face, not of a person's mind, and
as good as the tracker: MediaPipe hardly ever reports cheekSquint (AU 6) and noseSneer (AU 9), and reports a lowered
brow (AU 4) for many faces at rest.
"""

from typing import Final

import numpy as np

from models.controls.templates import templates
from schemas.arrays import Float32
from schemas.controls import EMOTIONS, Emotion

_SIDED: Final = "browDown * | browInnerUp | browOuterUp * | cheekPuff | cheekSquint * | eyeBlink * | eyeLookDown * | "
_EYES: Final = "eyeLookIn * | eyeLookOut * | eyeLookUp * | eyeSquint * | eyeWide * | jawForward | jawLeft | jawOpen | "
_MOUTH: Final = (
    "jawRight | mouthClose | mouthDimple * | mouthFrown * | mouthFunnel | mouthLeft | mouthLowerDown * | "
    "mouthPress * | "
    "mouthPucker | mouthRight | mouthRollLower | mouthRollUpper | mouthShrugLower | mouthShrugUpper | mouthSmile * | "
    "mouthStretch * | mouthUpperUp * | noseSneer *"
)
# MediaPipe's order.
ACTIONS: Final = (
    "_neutral",
    *(
        name.replace(" *", side)
        for name in (_SIDED + _EYES + _MOUTH).split(" | ")
        for side in (("Left", "Right") if name.endswith("*") else ("",))
    ),
)


def _other_side(action: str) -> str:
    for side, other in (("Left", "Right"), ("Right", "Left")):
        if action.endswith(side):
            return action.removesuffix(side) + other
    return action


_MIRRORED: Final = [ACTIONS.index(_other_side(action)) for action in ACTIONS]
# Which way an emotion goes from neutral on Russell's circumplex (1980): pleasant, awake.
_SIGNS: Final = {
    Emotion.NEUTRAL: (0, 0),
    Emotion.ANGRY: (-1, 1),
    Emotion.CONTEMPT: (-1, 0),
    Emotion.DISGUSTED: (-1, 0),
    Emotion.FEAR: (-1, 1),
    Emotion.HAPPY: (1, 1),
    Emotion.SAD: (-1, -1),
    Emotion.SURPRISED: (0, 1),
}


def shown_emotions(blendshapes: Float32) -> Float32:
    """How far a face [52], MediaPipe's actions, goes towards each emotion: [8] of 0..1 in the order of ``EMOTIONS``.

    An emotion's prototype weighs the actions; the weighted mean over those it wants, less those it does not. Contempt
    is what one side of the face does more than the other, whichever. Neutral is what the strongest leaves.
    """
    weights = templates(ACTIONS)
    wanted = np.maximum(weights, 0).sum(axis=1)
    shown = np.clip(weights @ blendshapes / np.maximum(wanted, 1e-6), 0, 1)
    contempt, neutral = EMOTIONS.index(Emotion.CONTEMPT), EMOTIONS.index(Emotion.NEUTRAL)
    one_sided = weights[contempt] * (weights[contempt] != weights[contempt, _MIRRORED])
    more = blendshapes - blendshapes[_MIRRORED]
    shown[contempt] = np.clip(max(one_sided @ more, -(one_sided @ more)) / np.maximum(one_sided, 0).sum(), 0, 1)
    shown[neutral] = 0
    shown[neutral] = 1 - shown.max()
    return np.asarray(shown, np.float32)


def valence_arousal(shown: Float32) -> tuple[float, float]:
    """Of ``shown_emotions`` [8]: the mean sign on either axis, which the strongest emotions rule (their fourth powers
    weigh), times how far the strongest goes; -1..1."""
    signs = np.array([_SIGNS[emotion] for emotion in EMOTIONS])
    felt = np.where(signs.any(axis=1), shown, 0).astype(np.float64)
    if not felt.any():
        return 0.0, 0.0
    valence, arousal = felt.max() * (felt**4 @ signs) / (felt**4).sum()
    return float(valence), float(arousal)
