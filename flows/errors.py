"""What can go wrong with a call or a run, in words that say what to do. Light to import: every command needs it."""


class FlowError(RuntimeError):
    """The base of every error this package raises on purpose."""


class WrongCall(FlowError):
    """The call itself is wrong; the message says how to mend it."""


class NothingOffered(WrongCall):
    """An argument names no video."""


class UnreadableManifest(WrongCall):
    """A manifest cannot be read, lacks a path column or names files that are not there."""


class NoLanding(WrongCall):
    """The folder or bucket that is to be watched is not there."""


class InvalidRecipe(WrongCall):
    """A recipe cannot be read; the message names the key and what was wanted."""


class WorkerCannotRun(FlowError):
    """The child died before it touched a video, or could not write its rows: the environment is at fault."""


class RunnerMissing(WrongCall):
    """A runner was chosen whose package is not installed, or whose cluster is not named."""


class RunnerClosed(FlowError):
    """The run was stopped from outside."""


class CannotShow(FlowError):
    """A clip cannot be drawn: its source is gone or has changed, or the output cannot be written."""


class CannotTrain(FlowError):
    """What training needs is not there: clips, sources, or a run to go on with."""


class CannotPerform(FlowError):
    """A speech, a face or a control cannot be used; the message says what to do."""


class StackError(FlowError):
    """The Prefect server or a worker cannot be started, reached or set up; the message says what to do."""
