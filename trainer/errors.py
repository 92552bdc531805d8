"""What can go wrong in the laboratory."""


class TrainerError(Exception):
    """Base of all errors that a person can do something about; exit code 1."""


class TaskError(TrainerError):
    """The surveys cannot serve the tasks that were asked for."""


class CheckpointError(TrainerError):
    """A checkpoint is missing, damaged or of another schema."""
