"""What SyncNet's authors published, in numbers (github.com/joonson/syncnet_python). No torch."""

from typing import Final

CROP_PX: Final = 224
WINDOW_FRAMES: Final = 5
MFCC_PER_FRAME: Final = 4  # at 100 Hz
FURTHEST_FRAMES: Final = 15  # ``--vshift``

WHERE_SYNCNET_IS_HAD: Final = (
    "The authors publish syncnet_v2.model on http://www.robots.ox.ac.uk/~vgg/software/lipsync/data/syncnet_v2.model "
    "(download_model.sh of https://github.com/joonson/syncnet_python, whose code is under the MIT licence; of the "
    "weights no licence is stated apart from it). They state no checksum; repositories that pin the file have "
    "54,573,114 bytes and sha256 961e8696f888fce4f3f3a6c3d5b3267cf5b343100b238e79b2659bff2c605442"
)
