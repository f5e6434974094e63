"""What each emotion does to a face at full strength, in ARKit's named actions.

The recipes are the prototypes of FACS and EMFACS (Ekman and Friesen, "Facial Action Coding System", 1978; "EMFACS-7",
1983; Ekman, Friesen and Hager, "FACS Investigator's Guide", 2002, table 10-1). Action unit (AU) to ARKit action:

    1 inner brow raiser   browInnerUp           12 lip corner puller      mouthSmile
    2 outer brow raiser   browOuterUp           14 dimpler                mouthDimple
    4 brow lowerer        browDown              15 lip corner depressor   mouthFrown
    5 upper lid raiser    eyeWide               16 lower lip depressor    mouthLowerDown
    6 cheek raiser        cheekSquint           17 chin raiser            mouthShrugLower
    7 lid tightener       eyeSquint             20 lip stretcher          mouthStretch
    9 nose wrinkler       noseSneer             23 / 24 lip tightener     mouthPress
   10 upper lip raiser    mouthUpperUp          26 jaw drop               the jaw joint

AU 25, 26 and 27 part the lips and drop the jaw. They belong to surprise and fear, but the lips belong to the speech, so
they are left out, as is what only works by parting the lips.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np

from schemas.arrays import Float32
from schemas.controls import EMOTIONS, Emotion

# Names without a side mean both sides. A negative weight relaxes an action as far as the speaker uses it: antagonists
# of the prototype, such as a lowered brow in surprise. Sadness leaves AU 4 out: a speaker's brow is mostly lowered.
PROTOTYPES: Final[Mapping[Emotion, Mapping[str, float]]] = {
    Emotion.NEUTRAL: {},
    # 4 + 5 + 7 + 23 / 24, and some 9
    Emotion.ANGRY: {
        "browDown": 1.0,
        "browInnerUp": -0.5,
        "browOuterUp": -0.3,
        "eyeWide": 0.2,
        "eyeSquint": 0.7,
        "noseSneer": 0.4,
        "mouthPress": 0.6,
        "mouthFrown": 0.5,
    },
    # 12 + 14 on one side
    Emotion.CONTEMPT: {
        "mouthDimpleRight": 0.9,
        "mouthSmileRight": 0.45,
        "cheekSquintRight": 0.3,
        "browOuterUpLeft": 0.35,
        "eyeSquint": 0.25,
    },
    # 9 + 10 + 15 + 17, brows and lids drawn together by the nose
    Emotion.DISGUSTED: {
        "noseSneer": 1.0,
        "mouthUpperUp": 0.7,
        "mouthFrown": 0.45,
        "mouthShrugLower": 0.5,
        "browDown": 0.45,
        "cheekSquint": 0.4,
        "eyeSquint": 0.4,
    },
    # 1 + 2 + 4 + 5 + 7 + 20
    Emotion.FEAR: {
        "browInnerUp": 1.0,
        "browOuterUp": 0.35,
        "browDown": 0.15,
        "eyeSquint": -0.2,
        "eyeWide": 0.9,
        "mouthStretch": 0.8,
        "mouthFrown": 0.25,
    },
    # 6 + 12
    Emotion.HAPPY: {"cheekSquint": 0.65, "eyeSquint": 0.2, "mouthSmile": 0.7, "mouthDimple": 0.15, "browOuterUp": 0.15},
    # 1 + 15 + 17, upper lids drooping
    Emotion.SAD: {
        "browInnerUp": 1.0,
        "browOuterUp": -0.3,
        "mouthFrown": 0.9,
        "mouthShrugLower": 0.3,
        "eyeBlink": 0.14,
        "eyeSquint": 0.15,
    },
    # 1 + 2 + 5
    Emotion.SURPRISED: {"browInnerUp": 1.0, "browOuterUp": 1.0, "browDown": -0.5, "eyeSquint": -0.3, "eyeWide": 1.0},
}


def templates(action_names: tuple[str, ...]) -> Float32:
    """[8, A] weights of the actions ``action_names`` for every emotion, in the order of ``EMOTIONS``."""
    out = np.zeros((len(EMOTIONS), len(action_names)), np.float32)
    for row, emotion in enumerate(EMOTIONS):
        for name, weight in PROTOTYPES[emotion].items():
            for column in sides(name, action_names):
                out[row, column] = weight
    return out


def sides(name: str, action_names: tuple[str, ...]) -> list[int]:
    """Columns of an action: its own, or its left and right. Raises ``KeyError`` for an action the head lacks."""
    columns = [k for k, known in enumerate(action_names) if known in (name, f"{name}Left", f"{name}Right")]
    if not columns:
        raise KeyError(name)
    return columns
