"""What SyncNet's authors published, in numbers (github.com/joonson/syncnet_python). No torch."""

from typing import Final

CROP_PX: Final = 224
WINDOW_FRAMES: Final = 5
MFCC_PER_FRAME: Final = 4  # at 100 Hz
FURTHEST_FRAMES: Final = 15  # ``--vshift``

WHERE_SYNCNET_IS_HAD: Final = (
    "The authors publish syncnet_v2.model on http://www.robots.ox.ac.uk/~vgg/software/lipsync/data/syncnet_v2.model "
    "(download_model.sh of https://github.com/joonson/syncnet_python, whose code is under the MIT licence; of the "
    "weights, trained on BBC television, no licence is stated apart from it, nor size or checksum)"
)
