"""What can go wrong between a room and its traced channel."""

from enum import Enum

from trainer.errors import TrainerError

_LLVM = (
    "install LLVM 17 or newer (Debian, Ubuntu: apt-get install libllvm19), or set "
    "DRJIT_LIBLLVM_PATH to its libLLVM.so"
)
_EXTRA = "in the clone of MetaLoc: pip install '.[raytrace]'"


class Failure(Enum):
    """Why the ray tracer gave no answer; the value is what to do about it."""

    NOT_INSTALLED = f"{_EXTRA}, and {_LLVM}"
    WRONG_VERSION = f"{_EXTRA} (sionna-rt 2.2 or newer, below 3)"
    NO_LLVM = _LLVM
    OLD_LLVM = f"{_LLVM}; older ones end the process"
    ABORTED = f"most often it is the LLVM: {_LLVM}"
    KILLED = "most often memory ran out: trace with fewer rays or a smaller depth"
    TIMED_OUT = "free the processors, allow more time, or trace less at once"
    RAISED = "trainer --debug raytrace golden FILE shows where it comes from"

    @property
    def slug(self) -> str:
        """Name for programs, in lower case."""
        return self.name.lower().replace("_", "-")


class RayTracingError(TrainerError):
    """Base of what goes wrong with ray tracing."""


class RayTracerError(RayTracingError):
    """The ray tracer gave no answer."""

    def __init__(self, failure: Failure, detail: str) -> None:
        """Say what happened and what to do.

        Args:
            failure: What kind it is.
            detail: What happened, of this one.
        """
        super().__init__(f"{detail}; {failure.value}")
        self.failure = failure
        self.detail = detail


class NoPathsError(RayTracingError):
    """Nothing of an access point reaches a receiver."""


class TableError(RayTracingError):
    """A file of traced signal strengths is damaged or cannot be written."""
