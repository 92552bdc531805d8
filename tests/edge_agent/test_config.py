"""One file, every key known, every value checked."""

import os
import pwd
from pathlib import Path

import pytest

from edge_agent.config import (
    AgentConfig,
    BrokerConfig,
    CaptureConfig,
    ModelConfig,
    SiteConfig,
    TrackingConfig,
    default_device,
    load_config,
)
from edge_agent.errors import ConfigError

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture
def load(tmp_path):
    """Load a configuration with this text."""

    def load(text):
        path = tmp_path / "agent.toml"
        path.write_text(text, encoding="utf-8")
        return load_config(path)

    return load


def write_config(path, site):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'[site]\nname = "{site}"\n')
    return path


# -- values ----------------------------------------------------------------------------


def test_without_a_file_everything_has_a_default(home):
    config = load_config()

    assert config == AgentConfig()
    assert config.site == SiteConfig("home", default_device())
    assert config.broker == BrokerConfig(
        host="127.0.0.1",
        port=1883,
        username="",
        password_file="",
        protocol="auto",
        base_topic="metaloc",
        keepalive_s=20,
        connect_timeout_s=10.0,
    )
    assert config.capture == CaptureConfig("wlan0", 25, "auto", 8192)
    assert config.tracking == TrackingConfig(
        enabled=True, speed_mps=1.2, margin=0.2, settle_s=0.5, dwell_s=60.0
    )
    assert config.model == ModelConfig("", "", "auto", "", 512)
    assert config.model.bundle_path is None
    assert config.model.site_path("home") == home / ".local/state/metaloc/home"


def test_an_empty_file_is_the_defaults(load):
    assert load("") == AgentConfig()


def test_every_key_can_be_set(load):
    config = load(
        """
        [site]
        name = "office"
        device = "pi-2"

        [broker]
        host = "broker.example"
        port = 8883
        username = "agent"
        password_file = "/run/secrets/mqtt"
        protocol = "3.1.1"
        base_topic = "building/3"
        keepalive_s = 60
        connect_timeout_s = 2.5
        allow_simulated = true

        [capture]
        interface = "wlan1"
        hop = 10
        iq_order = "qi"
        buffer_frames = 1024

        [model]
        bundle = "/opt/bundle"
        state = "/var/lib/metaloc"
        backend = "numpy"
        trusted_keys = "/etc/metaloc/keys"
        max_memory_mb = 256
        estimator = "network"
        """
    )

    assert config == AgentConfig(
        SiteConfig("office", "pi-2"),
        BrokerConfig(
            "broker.example",
            8883,
            "agent",
            "/run/secrets/mqtt",
            "3.1.1",
            "building/3",
            60,
            2.5,
            True,
        ),
        CaptureConfig("wlan1", 10, "qi", 1024),
        ModelConfig(
            *("/opt/bundle", "/var/lib/metaloc", "numpy", "/etc/metaloc/keys", 256),
            estimator="network",
        ),
    )
    assert config.model.bundle_path == Path("/opt/bundle")
    assert config.model.site_path("office") == Path("/var/lib/metaloc/office")


def test_a_whole_number_is_a_number(load):
    timeout = load("broker.connect_timeout_s = 3").broker.connect_timeout_s

    assert timeout == 3.0
    assert isinstance(timeout, float)


def test_a_tilde_is_the_home_directory(home):
    model = ModelConfig(bundle="~/bundle", state="~/state")

    assert model.bundle_path == home / "bundle"
    assert model.site_path("office") == home / "state" / "office"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[sight]", "unknown key sight; did you mean site?"),
        ("[zzz]", "unknown key zzz; known are site, broker, capture, model"),
        ("broker.hots = 'x'", "unknown key broker.hots; did you mean host?"),
        ("broker.keepalive = 20", r"broker.keepalive; did you mean keepalive_s\?"),
        ("capture.q = 1", "known are interface, hop, iq_order, buffer_frames"),
        ("site = 'home'", "site must be a table, not 'home'"),
        ("site.name = 3", "site.name must be text in quotes, not 3"),
        ("broker.port = '1883'", "broker.port must be a whole number, not '1883'"),
        ("broker.port = 1883.0", "broker.port must be a whole number, not 1883.0"),
        ("broker.port = true", "broker.port must be a whole number, not True"),
        ("broker.connect_timeout_s = 'x'", "connect_timeout_s must be a number, not"),
        ("broker.connect_timeout_s = true", "connect_timeout_s must be a number, not"),
        ("broker.allow_simulated = 1", "allow_simulated must be true or false, not 1"),
        ("broker.host = ''", "broker.host is empty"),
        ("broker.port = 0", "broker.port is 0, not 1 to 65535"),
        ("broker.port = 65536", "broker.port is 65536, not 1 to 65535"),
        ("broker.keepalive_s = 4", "broker.keepalive_s is 4, not 5 to 3600"),
        ("broker.keepalive_s = 3601", "broker.keepalive_s is 3601, not 5 to 3600"),
        ("broker.connect_timeout_s = 0", "connect_timeout_s is 0.0, not 0.1 to 300"),
        ("broker.connect_timeout_s = nan", "connect_timeout_s is nan, not 0.1 to 300"),
        ("broker.protocol = '4'", "broker.protocol is '4', not one of auto, 5, 3.1.1"),
        ("broker.base_topic = ''", "broker.base_topic is ''"),
        ("broker.base_topic = 'a//b'", "broker.base_topic is ''"),
        ("broker.base_topic = 'a/#'", "broker.base_topic is '#'"),
        ("tracking.speed_mps = 0", "tracking.speed_mps is 0.0, not 0.1 to 10"),
        ("tracking.margin = 1.0", "tracking.margin is 1.0, not 0 to 0.9"),
        ("tracking.settle_s = -1", "tracking.settle_s is -1.0, not 0 to 60"),
        ("tracking.dwell_s = 86401", "tracking.dwell_s is 86401.0, not 0 to 86400"),
        ("tracking.enabled = 1", "tracking.enabled must be true or false, not 1"),
        ("tracking.speed = 1.2", r"tracking.speed; did you mean speed_mps\?"),
        ("capture.hop = 0", "capture.hop is 0, not 1 to 4096"),
        ("model.max_memory_mb = 15", "model.max_memory_mb is 15, not 16 to 1000000"),
        ("capture.hop = 4097", "capture.hop is 4097, not 1 to 4096"),
        ("capture.buffer_frames = 63", "capture.buffer_frames is 63, not 64 to 104857"),
        ("capture.buffer_frames = 1048577", "capture.buffer_frames is 1048577, not 64"),
        ("capture.iq_order = 'IQ'", "iq_order is 'IQ', not one of auto, iq, qi"),
        ("model.backend = 'torch'", "backend is 'torch', not one of auto, onnxruntime"),
        ("model.estimator = 'knn'", "estimator is 'knn', not one of auto, network, n"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_name(load, text, reason):
    with pytest.raises(ConfigError, match=rf"agent.toml: .*{reason}"):
        load(text)


@pytest.mark.parametrize("key", ["site.name", "site.device"])
@pytest.mark.parametrize("value", ["", "a b", "a+b", "#", "a/b", "$SYS", "x" * 65])
def test_names_must_be_able_to_stand_in_a_topic(load, key, value):
    with pytest.raises(ConfigError, match=rf"{key} is .*: it becomes part of an MQTT"):
        load(f'{key} = "{value}"')


@pytest.mark.parametrize("value", [".", "..", "bundles"])
def test_a_site_has_a_folder_of_its_own(load, value):
    with pytest.raises(ConfigError, match="no folder of its own below the state"):
        load(f'site.name = "{value}"')


@pytest.mark.parametrize("value", ["x", "x" * 64, "Küche", "nexus5-01", "a$"])
def test_other_names_may(load, value):
    assert load(f'site.name = "{value}"').site.name == value


@pytest.mark.parametrize(
    ("host_name", "device"),
    [
        ("pi", "pi"),
        ("pi.local lan", "pi-local-lan"),
        ("x" * 70, "x" * 64),
        ("", "agent"),
    ],
)
def test_the_agent_is_called_after_its_machine(monkeypatch, host_name, device):
    monkeypatch.setattr("socket.gethostname", lambda: host_name)

    assert default_device() == device
    assert SiteConfig().device == device


# -- files -----------------------------------------------------------------------------


def test_a_file_that_is_no_toml_says_where(load):
    with pytest.raises(ConfigError, match=r"agent.toml is not valid TOML: .*line 1"):
        load("site = \n")


def test_a_file_that_is_no_text_says_so(tmp_path):
    path = tmp_path / "agent.toml"
    path.write_bytes(b"\xff")

    with pytest.raises(ConfigError, match=r"agent.toml is not valid TOML: .*utf-8"):
        load_config(path)


@pytest.mark.parametrize(
    ("name", "reason"), [("none.toml", "No such file"), (".", "Is a directory")]
)
def test_a_file_that_cannot_be_read_says_why(tmp_path, name, reason):
    with pytest.raises(ConfigError, match=reason):
        load_config(tmp_path / name)


def test_the_user_s_file_is_found(home):
    write_config(home / ".config" / "metaloc" / "agent.toml", "mine")

    assert load_config().site.name == "mine"


def test_the_machine_s_file_is_found(tmp_path, monkeypatch):
    path = write_config(tmp_path / "etc" / "agent.toml", "everybody")
    monkeypatch.setattr("edge_agent.config._SYSTEM_CONFIG", path)

    assert load_config().site.name == "everybody"


def test_the_user_s_file_goes_before_the_machine_s(home, tmp_path, monkeypatch):
    path = write_config(tmp_path / "etc" / "agent.toml", "everybody")
    monkeypatch.setattr("edge_agent.config._SYSTEM_CONFIG", path)
    write_config(home / ".config" / "metaloc" / "agent.toml", "mine")

    assert load_config().site.name == "mine"


def test_the_variable_goes_before_both(home, tmp_path, monkeypatch):
    write_config(home / ".config" / "metaloc" / "agent.toml", "mine")
    path = write_config(tmp_path / "other.toml", "other")
    monkeypatch.setenv("METALOC_CONFIG", str(path))

    assert load_config().site.name == "other"


def test_a_file_that_is_named_goes_before_all(tmp_path, monkeypatch):
    monkeypatch.setenv("METALOC_CONFIG", str(write_config(tmp_path / "a.toml", "a")))

    assert load_config(write_config(tmp_path / "b.toml", "b")).site.name == "b"


def test_a_variable_that_names_no_file_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setenv("METALOC_CONFIG", str(tmp_path / "none.toml"))

    with pytest.raises(ConfigError, match=r"none.toml: No such file"):
        load_config()


def test_an_empty_variable_is_none(monkeypatch):
    monkeypatch.setenv("METALOC_CONFIG", "")

    assert load_config() == AgentConfig()


# -- whose home ------------------------------------------------------------------------


@pytest.fixture
def sudo(tmp_path, monkeypatch):
    """As under sudo by a user whose home is ``tmp_path / "person"``."""
    person = tmp_path / "person"
    entry = pwd.struct_passwd(("person", "x", 1000, 1000, "", str(person), "/bin/sh"))

    def look_up(name):
        if name != "person":
            raise KeyError(name)
        return entry

    monkeypatch.setattr(pwd, "getpwnam", look_up)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("SUDO_USER", "person")
    return person


def test_under_sudo_the_state_is_that_of_the_person(sudo):
    assert ModelConfig().site_path("home") == sudo / ".local/state/metaloc/home"


def test_under_sudo_the_configuration_is_that_of_the_person(sudo, home):
    write_config(home / ".config" / "metaloc" / "agent.toml", "root")
    write_config(sudo / ".config" / "metaloc" / "agent.toml", "person")

    assert load_config().site.name == "person"


def test_the_variable_counts_for_root_only(sudo, home, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    assert ModelConfig().site_path("x") == home / ".local/state/metaloc/x"


def test_an_unknown_person_has_no_home(sudo, home, monkeypatch):
    monkeypatch.setenv("SUDO_USER", "stranger")

    assert ModelConfig().site_path("x") == home / ".local/state/metaloc/x"


# -- the password ----------------------------------------------------------------------


def test_without_a_setting_there_is_no_password():
    assert BrokerConfig().password() is None


def test_the_password_is_the_first_line_of_its_file(home):
    (home / "secret").write_text("  s3cret pass \nsecond line\n")

    assert BrokerConfig(password_file="~/secret").password() == "s3cret pass"


def test_the_environment_goes_before_the_file(home, monkeypatch):
    (home / "secret").write_text("from the file\n")
    monkeypatch.setenv("METALOC_BROKER_PASSWORD", "from the environment")

    assert BrokerConfig(password_file="~/secret").password() == "from the environment"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\n", "broker.password_file .*secret is empty"),
        (b"", "broker.password_file .*secret is empty"),
        (b"\xff\xff", "broker.password_file .*secret cannot be read: .*utf-8"),
        (None, "broker.password_file .*secret cannot be read: .*No such file"),
    ],
)
def test_a_password_file_without_a_password_is_an_error(tmp_path, content, reason):
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(ConfigError, match=reason):
        BrokerConfig(password_file=str(path)).password()


def test_the_password_is_not_part_of_the_configuration(monkeypatch):
    monkeypatch.setenv("METALOC_BROKER_PASSWORD", "s3cret")

    assert "s3cret" not in repr(load_config())
