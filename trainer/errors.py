"""What can go wrong in the laboratory."""


class TrainerError(Exception):
    """Base of all errors that a person can do something about; exit code 1."""

    exit_code = 1


class UsageError(TrainerError):
    """The command line cannot mean anything."""

    exit_code = 2


class TaskError(TrainerError):
    """The surveys cannot serve the tasks that were asked for."""


class ConfigError(TrainerError):
    """A setting of the training means nothing."""

    exit_code = 2


class RoomError(TrainerError):
    """A room, or what is asked of it, cannot be."""

    exit_code = 2


class CompilerError(TrainerError):
    """The network cannot be compiled on this machine."""


class CheckpointError(TrainerError):
    """A checkpoint is missing, damaged or of another schema."""


class ResumeError(TrainerError):
    """A file to resume training from is missing, damaged, or of another training."""


class DivergedError(TrainerError):
    """Training has left the numbers."""


class Stopped(TrainerError):  # noqa: N818  (nothing went wrong)
    """Training was asked to stop before it was done."""
