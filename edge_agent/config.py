"""The configuration file: one TOML file, every key known, every value checked.

Command-line flags override it. Secrets never stand in it or on a command line: the
broker's password comes from a file or from the environment.
"""

import os
import pwd
import re
import socket
from dataclasses import dataclass, field
from pathlib import Path

from edge_agent.bundles.terms import MAX_MEMORY_MB
from edge_agent.csi.iq_order import IqOrder
from edge_agent.errors import ConfigError
from edge_agent.estimators import Estimator
from edge_agent.learning.backends import Backend
from edge_agent.strict_toml import build_record, check_choice, check_range, read_toml

CONFIG_VARIABLE = "METALOC_CONFIG"
PASSWORD_VARIABLE = "METALOC_BROKER_PASSWORD"

SHIPPED_BUNDLE = Path(__file__).parent / "demo" / "data" / "bundle"
"""Model trained on simulated rooms; good for a first try anywhere."""

RESERVED_SITES = (".", "..", "bundles")
"""Names of other things in the state directory."""

_TOPIC_LEVEL = re.compile(r"[^\s+#/$][^\s+#/]{0,63}")
_SYSTEM_CONFIG = Path("/etc/metaloc/agent.toml")


def default_device() -> str:
    """Return the host name, as far as it can stand in a topic."""
    return re.sub(r"[^A-Za-z0-9_-]", "-", socket.gethostname())[:64] or "agent"


@dataclass(frozen=True, slots=True)
class SiteConfig:
    """Where the agent works, and what it is called there."""

    name: str = "home"
    """Name of the site in topics and in the state directory."""

    device: str = field(default_factory=default_device)
    """Name of this agent in topics."""

    def __post_init__(self) -> None:
        for key in ("name", "device"):
            _check_topic_level(f"site.{key}", getattr(self, key))
        if self.name in RESERVED_SITES:
            raise ConfigError(
                f"site.name is {self.name!r}, which is no folder of its own below the "
                "state directory; choose another"
            )


@dataclass(frozen=True, slots=True)
class BrokerConfig:
    """Which MQTT broker, and who we are to it."""

    host: str = "127.0.0.1"
    port: int = 1883
    username: str = ""
    password_file: str = ""
    """File whose first line is the password; METALOC_BROKER_PASSWORD overrides it."""

    protocol: str = "auto"
    """MQTT version: auto (5, else 3.1.1), 5 or 3.1.1."""

    base_topic: str = "metaloc"
    keepalive_s: int = 20
    connect_timeout_s: float = 10.0
    allow_simulated: bool = False
    """Whether a broker on another machine is given simulated locations too."""

    def __post_init__(self) -> None:
        if not self.host:
            raise ConfigError("broker.host is empty")
        check_range("broker.port", self.port, 1, 65535)
        check_range("broker.keepalive_s", self.keepalive_s, 5, 3600)
        check_range("broker.connect_timeout_s", self.connect_timeout_s, 0.1, 300)
        check_choice("broker.protocol", self.protocol, ["auto", "5", "3.1.1"])
        for level in self.base_topic.split("/"):
            _check_topic_level("broker.base_topic", level)

    def password(self) -> str | None:
        """Return the password from the environment or the file.

        Raises:
            ConfigError: The file cannot be read or is empty.
        """
        if PASSWORD_VARIABLE in os.environ:
            return os.environ[PASSWORD_VARIABLE]
        if not self.password_file:
            return None
        try:
            text = Path(self.password_file).expanduser().read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(
                f"broker.password_file {self.password_file} cannot be read: {error}"
            ) from error
        password = text.split("\n", 1)[0].strip()
        if not password:
            raise ConfigError(f"broker.password_file {self.password_file} is empty")
        return password


@dataclass(frozen=True, slots=True)
class CaptureConfig:
    """How frames are captured and windowed."""

    interface: str = "wlan0"
    hop: int = 25
    """New packets per channel from one location to the next."""

    iq_order: str = "auto"
    """Order of I and Q where the firmware's header does not tell: auto, iq or qi."""

    buffer_frames: int = 8192
    """Frames kept while the agent is busy; then the oldest are dropped."""

    def __post_init__(self) -> None:
        check_range("capture.hop", self.hop, 1, 4096)
        check_range("capture.buffer_frames", self.buffer_frames, 64, 1 << 20)
        check_choice("capture.iq_order", self.iq_order, list(IqOrder))


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """Which model, and where what it learns is kept."""

    bundle: str = ""
    """Bundle directory; when empty the one that was installed last, else the shipped
    one."""

    state: str = ""
    """State directory; below the user's home when empty."""

    backend: str = "auto"
    """What computes: auto, onnxruntime, kernel or numpy; see `learning.backends`."""

    trusted_keys: str = ""
    """Public keys (a PEM file, or a folder of them) of those whose bundles are taken;
    anybody's when empty."""

    max_memory_mb: int = MAX_MEMORY_MB
    """Most that adapting and predicting may take, beside the program itself."""

    estimator: str = "auto"
    """What locates: auto, or one of `edge_agent.estimators`."""

    def __post_init__(self) -> None:
        check_range("model.max_memory_mb", self.max_memory_mb, 16, 1_000_000)
        check_choice("model.backend", self.backend, list(Backend))
        check_choice("model.estimator", self.estimator, list(Estimator))

    @property
    def bundle_path(self) -> Path | None:
        """The bundle that is named; None: the installed one, else the shipped one."""
        return Path(self.bundle).expanduser() if self.bundle else None

    def site_path(self, site: str) -> Path:
        """Return where calibration and shots of a site are kept."""
        return self.state_path / site

    @property
    def state_path(self) -> Path:
        """Where sites and installed bundles are kept."""
        if self.state:
            return Path(self.state).expanduser()
        return _home() / ".local" / "state" / "metaloc"


@dataclass(frozen=True, slots=True)
class TrackingConfig:
    """How locations become a way, and rooms that do not flip."""

    enabled: bool = True
    """Whether to follow; else every image is located by itself."""

    speed_mps: float = 1.2
    """At which people walk there [m/s]."""

    margin: float = 0.2
    """By which another room's probability must be ahead before the room changes."""

    settle_s: float = 0.5
    """For how long it must be ahead [s]."""

    dwell_s: float = 60.0
    """After which a stay in a room is an event [s]; 0: never."""

    def __post_init__(self) -> None:
        check_range("tracking.speed_mps", self.speed_mps, 0.1, 10)
        check_range("tracking.margin", self.margin, 0, 0.9)
        check_range("tracking.settle_s", self.settle_s, 0, 60)
        check_range("tracking.dwell_s", self.dwell_s, 0, 86_400)


@dataclass(frozen=True, slots=True)
class AgentConfig:
    """Everything that can be configured."""

    site: SiteConfig = field(default_factory=SiteConfig)
    broker: BrokerConfig = field(default_factory=BrokerConfig)
    capture: CaptureConfig = field(default_factory=CaptureConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    tracking: TrackingConfig = field(default_factory=TrackingConfig)


def load_config(path: Path | None = None) -> AgentConfig:
    """Read the configuration.

    Args:
        path: The file. By default the one that METALOC_CONFIG names, else
            ~/.config/metaloc/agent.toml, else /etc/metaloc/agent.toml, else none.

    Raises:
        ConfigError: It cannot be read, is no TOML, or has an unknown key or a value
            that makes no sense.
    """
    if path is None:
        path = _find_config()
    if path is None:
        return AgentConfig()
    _, document = read_toml(path)
    try:
        config: AgentConfig = build_record(AgentConfig, document)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error
    return config


def _find_config() -> Path | None:
    if named := os.environ.get(CONFIG_VARIABLE):
        return Path(named)
    candidates = (_home() / ".config" / "metaloc" / "agent.toml", _SYSTEM_CONFIG)
    return next((path for path in candidates if path.is_file()), None)


def _home() -> Path:
    """Return the home of the person at the keyboard, also under sudo.

    So that what ``edge_agent adapt`` stored is what ``sudo edge_agent capture`` finds.
    """
    user = os.environ.get("SUDO_USER")
    if user and os.geteuid() == 0:
        try:
            return Path(pwd.getpwnam(user).pw_dir)
        except KeyError:
            pass
    return Path.home()


def _check_topic_level(key: str, value: str) -> None:
    if not _TOPIC_LEVEL.fullmatch(value):
        raise ConfigError(
            f"{key} is {value!r}: it becomes part of an MQTT topic, so 1 to 64 "
            "characters without spaces, + # or /, and no $ in front"
        )
