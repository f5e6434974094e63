"""The torture set: each file with a clock of its own, and when its pictures and chirps are to be presented."""

from tests.clock.rewritten import command_line, edit_lists, splices, stamped_by_end
from tests.clock.written import Case, b_frames, containers, rates, sounds, stamps, starts, turned, variable

CASES: tuple[Case, ...] = (
    *rates(),
    *variable(),
    *containers(),
    *starts(),
    *edit_lists(),
    *b_frames(),
    *sounds(),
    *stamps(),
    stamped_by_end(),
    *splices(),
    *turned(),
    *command_line(),
)
