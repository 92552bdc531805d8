"""What can go wrong in the benchmark."""

from trainer.errors import TrainerError


class BenchmarkError(TrainerError):
    """Something was asked for that the benchmark does not have, or cannot write."""


class ProtocolError(BenchmarkError):
    """A protocol file is damaged, or does not fit its survey."""

    exit_code = 2


class EpisodeError(BenchmarkError):
    """A target cannot serve a regime; the table says so, and the run goes on."""


class LeakageError(BenchmarkError):
    """A split shows a method something of what it will be asked; never to be caught."""
