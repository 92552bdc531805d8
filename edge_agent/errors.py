"""What can go wrong on the device.

    AgentError
     ├─ UsageError        the command cannot mean anything: exit code 2
     ├─ ConfigError       the configuration file, or a value in it
     ├─ CaptureError      no packets: file, interface, permission
     ├─ PreflightError    a walk that cannot begin, and why
     ├─ SurveyError       a list of surveyed captures
     ├─ BundleError       the model bundle
     ├─ BackendError      what was asked to compute cannot
     ├─ CalibrationError  the site's calibration
     ├─ SimilarityError   tasks that cannot be compared
     ├─ WalkError         a calibration walk cannot be stored or gone on with
     ├─ BrokerError       the MQTT broker
     ├─ SimulatedError    simulated locations would leave this machine
     └─ OutputError       results cannot be written to standard output

Messages say what was found and what to do; `edge_agent.cli` prints them as one line.
"""


class AgentError(Exception):
    """Base of all errors that a person can do something about; exit code 1."""

    exit_code = 1


class UsageError(AgentError):
    """The command line contradicts itself."""

    exit_code = 2


class ConfigError(AgentError):
    """The configuration cannot be used; exit code 2, as it is the user's input."""

    exit_code = 2


class CaptureError(AgentError):
    """No packets can be had from a file or an interface."""


class PreflightError(AgentError):
    """A walk cannot begin: the interface, the air, the clock or the disk."""


class SurveyError(AgentError):
    """The list of surveyed captures cannot be used."""


class BundleError(AgentError):
    """The model bundle is missing, damaged or of another schema."""


class BackendError(AgentError):
    """The back end that was asked for is not there, or cannot be used."""


class CalibrationError(AgentError):
    """The site has no usable calibration."""


class SimilarityError(AgentError):
    """There is too little to tell which environment a task is like."""


class WalkError(AgentError):
    """A calibration walk cannot be stored, or not be gone on with."""


class BrokerError(AgentError):
    """The MQTT broker cannot be reached or refuses the agent."""


class SimulatedError(AgentError):
    """Simulated locations would be published to a broker on another machine."""


class OutputError(AgentError):
    """Results cannot be written: the disk behind standard output is full, say."""
