"""From whenever pictures were presented to exactly 25 a second."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Generic, TypeVar

from schemas.units import FRAME_RATE

MAX_GAP_S = 60  # a longer silence of the clock is a broken clock: nothing after it can be placed

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Presented(Generic[T]):
    """A picture and when it was shown, in seconds; ``duration_s`` counts only for the last one."""

    time_s: Fraction
    duration_s: Fraction
    picture: T


def at_frame_rate(pictures: Iterable[Presented[T]], origin_s: Fraction) -> Iterator[tuple[int, T]]:
    """Yield ``(k, picture)`` for k = 0, 1, ...: the picture presented nearest to ``origin_s + k / 25``.

    A picture that is still to come is taken only if it comes within half a frame (20 ms); over a longer gap the one
    on screen is held, as a player would. Pictures that come out of order are dropped, and reading ends at a gap of
    more than ``MAX_GAP_S``. The last picture is shown for its own duration.
    """
    half = 1 / (2 * FRAME_RATE)
    k, shown = 0, None
    for coming in pictures:
        if shown is not None:
            if coming.time_s <= shown.time_s:
                continue
            if coming.time_s - shown.time_s > MAX_GAP_S:
                break
            while (wanted := origin_s + k / FRAME_RATE) < coming.time_s:
                wait = coming.time_s - wanted
                if wait <= half and wait < wanted - shown.time_s:
                    break
                yield k, shown.picture
                k += 1
        shown = coming
    if shown is not None:
        end = shown.time_s + shown.duration_s
        while k == 0 or origin_s + k / FRAME_RATE < end:
            yield k, shown.picture
            k += 1
