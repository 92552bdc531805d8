"""Taking another bundle, and returning: nothing in between is ever in use."""

import errno
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from edge_agent.bundles.bundle import THETA, Bundle
from edge_agent.bundles.files import BundleFiles, Kind
from edge_agent.bundles.golden_file import GOLDEN
from edge_agent.bundles.installation import Progress, install, roll_back
from edge_agent.bundles.model_in_use import load_files
from edge_agent.bundles.store import SHIPPED, BundleStore, InUse, bundle_name
from edge_agent.calibration import Calibration
from edge_agent.config import ModelConfig
from edge_agent.errors import BundleError
from edge_agent.learning.backends import Backend
from edge_agent.site_state import SiteState, find_calibration
from tests.conftest import ROOT
from tests.edge_agent.bundle_copies import change_manifest, damage, manifest_of, renamed
from tests.edge_agent.sites import POINTS, SPEC, environment

NOW = datetime(2026, 11, 22, 23, 59, tzinfo=UTC)


class Listener:
    """Remembers what it was told."""

    def __init__(self):
        self.stages, self.cautions = [], []
        self.progress = Progress(self.stages.append, self.cautions.append)


class Device:
    """A state directory, and what is done to it."""

    def __init__(self, folder, source):
        self.folder, self.source = folder, source
        self.config = ModelConfig(state=str(folder / "state"), backend="numpy")
        self.store = BundleStore(self.config.state_path)
        self.heard = Listener()

    def bundle(self, name):
        """A bundle that differs from the others in its name alone."""
        directory = self.folder / name
        if not directory.exists():
            renamed(self.source, directory, name)
        return BundleFiles.load(directory)

    def install(self, name, *, skip=(), now=NOW):
        return install(
            self.bundle(name),
            self.config,
            skip=skip,
            now=now,
            progress=self.heard.progress,
        )

    def roll_back(self, *, skip=(), now=NOW):
        return roll_back(self.config, skip=skip, now=now, progress=self.heard.progress)

    def site(self, name):
        return SiteState(self.config.site_path(name), Kind.CSI)

    def in_use(self):
        """Name of the bundle in use, once everything is seen to be whole."""
        files = load_files(self.config, on_caution=pytest.fail)
        return files.name

    def calibration(self, site):
        files = load_files(self.config)
        path = find_calibration(self.site(site), files)
        return Calibration.load(path, Bundle.from_files(files))


@pytest.fixture
def device(tmp_path, bundle_directory, rng):
    """Two sites with shots, and nothing installed."""
    device = Device(tmp_path, bundle_directory)
    for name in ("home", "office"):
        environment(rng, name=name).save(device.site(name).shots)
    return device


def names_below(folder):
    return sorted(path.name for path in folder.iterdir())


# -- installing ------------------------------------------------------------------------


def test_an_installed_bundle_is_in_use_and_every_site_calibrated(device):
    change = device.install("first")

    assert device.in_use() == "first"
    assert change.in_use == InUse(bundle_name(change.files.digest), SHIPPED)
    assert change.adapted == ("home", "office")
    assert change.kept == change.skipped == ()
    for site in ("home", "office"):
        assert device.calibration(site).points == POINTS
    assert device.heard.stages[0] == "checking first"
    assert "adapting to office: step 0, loss 1.099" in device.heard.stages
    assert device.heard.cautions == []


def test_its_calibrations_are_those_that_adapting_gives(device, rng):
    device.install("first")

    files = load_files(device.config)
    model = Bundle.from_files(files)
    expected = Calibration.from_shots(
        model,
        environment(np.random.default_rng(20221122), name="home"),
        now=NOW,
        backend=Backend.NUMPY,
    )
    assert device.calibration("home").losses == expected.losses
    for name, array in expected.parameters.items():
        found = device.calibration("home").parameters[name]
        np.testing.assert_array_equal(found, array)


def test_the_one_before_is_kept_and_older_ones_are_not(device):
    names = []
    for name in ("first", "second", "third"):
        names.append(device.install(name).in_use.current)

    assert device.store.in_use() == InUse(names[2], names[1])
    assert device.store.names() == sorted(names[1:])
    assert names_below(device.site("home").folder) == sorted(
        [f"calibration-{name}.npz" for name in names[1:]] + ["shots.npz"]
    )


def test_what_was_learnt_with_the_shipped_one_is_kept(device, rng):
    """It is always there to return to."""
    path = device.site("home").calibration("f" * 16)
    path.write_bytes(b"of the shipped bundle")

    for name in ("first", "second", "third"):
        device.install(name)

    assert path.read_bytes() == b"of the shipped bundle"


def test_installing_the_one_in_use_mends_it(device):
    device.install("first")
    device.install("second")
    second = device.store.in_use()
    damage(device.store.path(second.current) / THETA)
    device.site("home").calibration(second.current).unlink()
    kept = device.calibration("office").calibrated_at

    change = device.install("second", now=NOW + timedelta(days=1))

    assert device.store.in_use() == second
    assert device.in_use() == "second"
    assert change.adapted == ("home",)
    assert change.kept == ("office",)
    assert device.calibration("office").calibrated_at == kept


def test_without_sites_it_is_in_use_all_the_same(tmp_path, bundle_directory):
    device = Device(tmp_path, bundle_directory)

    change = device.install("first")

    assert device.in_use() == "first"
    assert change.adapted == change.kept == change.skipped == ()


def test_after_a_damaged_record_everything_is_kept(device):
    """What was in use is not known, so it may be any."""
    first = device.install("first").in_use.current
    (device.store.folder / "in-use.json").write_text("{")

    change = device.install("second")

    assert device.in_use() == "second"
    assert first in device.store.names()
    assert change.in_use.previous == SHIPPED
    (caution,) = device.heard.cautions
    assert "in-use.json is damaged" in caution


# -- returning -------------------------------------------------------------------------


def test_rolling_back_returns_with_its_calibrations_at_once(device):
    device.install("first")
    before = {s: device.calibration(s).calibrated_at for s in ("home", "office")}
    device.install("second", now=NOW + timedelta(days=1))

    change = device.roll_back(now=NOW + timedelta(days=2))

    assert device.in_use() == "first"
    assert change.kept == ("home", "office")
    assert change.adapted == ()
    assert before == {s: device.calibration(s).calibrated_at for s in before}


def test_doing_so_twice_changes_nothing(device):
    device.install("first")
    device.install("second")
    before = device.store.in_use()

    device.roll_back()
    device.roll_back()

    assert device.store.in_use() == before


def test_from_the_first_one_back_is_the_shipped_one(device):
    """Whose images are others: shots of the small model do not fit it."""
    device.install("first")

    change = device.roll_back(skip=["home", "office"])

    assert change.in_use.current == SHIPPED
    assert change.skipped == ("home", "office")
    assert device.in_use() == change.files.name


def test_where_nothing_was_installed_there_is_nothing_to_return_to(device):
    with pytest.raises(BundleError, match="bundle to return to: nothing was installed"):
        device.roll_back()


def test_shots_that_were_recorded_since_are_not_lost(device, rng):
    device.install("first")
    device.install("second")
    newer = environment(np.random.default_rng(9), name="home")
    newer.save(device.site("home").shots)

    change = device.roll_back(now=NOW + timedelta(days=2))

    assert change.adapted == ("home",)
    assert change.kept == ("office",)
    assert device.calibration("home").shots_digest == newer.digest


def test_a_calibration_that_is_damaged_is_made_again(device):
    first = device.install("first").in_use.current
    device.install("second")
    damage(device.site("home").calibration(first))

    assert device.roll_back().adapted == ("home",)
    device.calibration("home")


def test_one_that_is_damaged_is_not_returned_to(device):
    first = device.install("first").in_use.current
    device.install("second")
    damage(device.store.path(first) / THETA)

    with pytest.raises(BundleError, match=r"theta.npz does not have the checksum"):
        device.roll_back()

    assert device.in_use() == "second"


# -- sites that it does not fit --------------------------------------------------------


def unfit_site(device, rng, name="lab"):
    """Its images were built otherwise."""
    spec = replace(SPEC, floor_dbm=-100.0)
    environment(rng, name=name, spec=spec).save(device.site(name).shots)


def test_a_site_that_it_does_not_fit_stops_it(device, rng):
    first = device.install("first").in_use
    unfit_site(device, rng)
    before = names_below(device.site("home").folder)

    with pytest.raises(
        BundleError,
        match=r"second cannot be adapted to every site; the bundle in use stays. site "
        r"lab: shots of lab are images of .*To do without: --skip-site lab$",
    ):
        device.install("second")

    assert device.in_use() == "first"
    assert device.store.in_use() == first
    assert device.store.names() == [first.current]
    assert names_below(device.site("home").folder) == before


def test_all_such_sites_are_named_at_once(device, rng):
    unfit_site(device, rng, "attic")
    unfit_site(device, rng, "barn")

    with pytest.raises(BundleError, match=r"--skip-site attic --skip-site barn$"):
        device.install("first")


def test_a_site_can_be_left_out(device, rng):
    unfit_site(device, rng)

    change = device.install("first", skip=["lab", "nowhere"])

    assert device.in_use() == "first"
    assert change.adapted == ("home", "office")
    assert change.skipped == ("lab",)


def test_a_calibrated_site_without_shots_stops_it(device):
    device.install("first")
    device.site("office").shots.unlink()

    with pytest.raises(
        BundleError, match="site office: no shots are stored for a bundle of the kind c"
    ):
        device.install("second")

    assert device.in_use() == "first"


def test_too_many_shots_for_the_memory_stop_it(device, rng):
    environment(rng, n_per_point=2000).save(device.site("home").shots)
    device.config = replace(device.config, max_memory_mb=16)
    directory = renamed(device.source, device.folder / "large", "large")
    document = json.loads((directory / "manifest.json").read_text())
    document["capacity"]["n_shots"] = 10_000
    (directory / "manifest.json").write_text(json.dumps(document))
    files = BundleFiles.load(directory, replace(load_files(device.config).terms))

    with pytest.raises(
        BundleError, match=r"site home: 6000 shots of 3 points need about \d+ MB, allo"
    ):
        install(
            files,
            device.config,
            skip=[],
            now=NOW,
            progress=device.heard.progress,
        )


def test_a_machine_that_computes_otherwise_does_not_install_it(device, monkeypatch):
    from edge_agent.learning import layer_step

    right = layer_step._cross_entropy

    def wrong(*arguments):
        loss, gradient = right(*arguments)
        return loss * 1.01, gradient

    monkeypatch.setattr(layer_step, "_cross_entropy", wrong)

    with pytest.raises(BundleError, match="this machine does not compute what it shou"):
        device.install("first")

    assert device.store.names() == []


def test_one_that_cannot_locate_as_configured_is_not_installed(device):
    device.config = replace(device.config, estimator="neighbours")

    with pytest.raises(BundleError, match="first has no neighbours to locate with"):
        device.install("first")

    assert device.store.in_use() == InUse()


# -- whatever happens ------------------------------------------------------------------


def test_a_disk_that_fills_up_anywhere_leaves_the_one_in_use(device, monkeypatch):
    """Each write fails once; in between nothing is mended."""
    first = device.install("first").in_use
    room = 0

    def replace_or_fail(path, target, real=os.replace):
        nonlocal room
        if room == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        room -= 1
        return real(path, target)

    n_failures = 0
    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.replace", replace_or_fail)
        while True:
            room = n_failures
            try:
                device.install("second")
            except BundleError:
                n_failures += 1
            else:
                break
            assert device.in_use() == "first"
            assert device.store.in_use() == first
            assert device.calibration("home").points == POINTS
            assert device.store.names() == [first.current]

    assert device.in_use() == "second"
    n_files = len(device.bundle("second").contents) + 1
    assert n_failures == n_files + 2 + 1  # calibrations, and the record


def test_what_is_put_in_use_is_on_the_disk(device, monkeypatch):
    """A power cut after the switch must not find it half written."""
    synced, missing = set(), []

    def fsync(descriptor, real=os.fsync):
        synced.add(os.fstat(descriptor).st_ino)
        real(descriptor)

    def use(store, in_use, real=BundleStore.use):
        bundle = store.path(in_use.current)
        calibrations = [
            device.site(s).calibration(in_use.current) for s in ("home", "office")
        ]
        folders = [bundle, bundle.parent, *(c.parent for c in calibrations)]
        for path in [*bundle.iterdir(), *calibrations, *folders]:
            if path.stat().st_ino not in synced:
                missing.append(path)
        real(store, in_use)

    monkeypatch.setattr("os.fsync", fsync)
    monkeypatch.setattr(BundleStore, "use", use)

    device.install("first")

    assert missing == []
    assert (device.store.folder / "in-use.json").stat().st_ino in synced


def test_ctrl_c_after_the_switch_leaves_the_new_one_whole(device, monkeypatch):
    device.install("first")

    def use(store, in_use, real=BundleStore.use):
        real(store, in_use)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(BundleStore, "use", use)
        with pytest.raises(KeyboardInterrupt):
            device.install("second")

    assert device.in_use() == "second"
    assert device.calibration("home").points == POINTS


KILLED = """
import os, shutil, signal, sys
from datetime import UTC, datetime
from pathlib import Path

from edge_agent.bundles.files import BundleFiles
from edge_agent.config import ModelConfig
from edge_agent.bundles.golden_file import GOLDEN
from edge_agent.bundles.installation import Progress, install

EVENTS = {
    "open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.chmod", "fcntl.flock",
    "tempfile.mkdtemp", "tempfile.mkstemp", "shutil.rmtree", "os.truncate",
}
template, bundle, work = map(Path, sys.argv[1:])
files = BundleFiles.load(bundle)


def install_until(state, n_left):
    def count(event, arguments):
        nonlocal n_left
        if event not in EVENTS:
            return
        if event == "open":
            path, _, flags = arguments
            writes = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            if not writes or not str(path).startswith(str(work)):
                return
        n_left -= 1
        if n_left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)
    nothing = lambda text: None
    config = ModelConfig(state=str(state), backend="numpy")
    now = datetime(2026, 11, 22, tzinfo=UTC)
    progress = Progress(nothing, nothing)
    install(files, config, skip=[], now=now, progress=progress)


n = 1
while True:
    state = work / str(n)
    shutil.copytree(template, state)
    child = os.fork()
    if child == 0:
        try:
            install_until(state, n)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    print(n, "killed" if os.WIFSIGNALED(status) else "done")
    if not os.WIFSIGNALED(status):
        break
    n += 1
"""


def test_whenever_it_is_killed_one_of_the_two_is_in_use(device, tmp_path):
    """SIGKILL before each change of the file system, one after the other.

    Without a golden task, which writes nothing and takes time.
    """
    device.install("first")
    device.install("second")  # so that one is pruned
    third = device.bundle("third").directory
    listed = manifest_of(third)["files"]
    change_manifest(third, files={n: e for n, e in listed.items() if n != GOLDEN})
    shutil.rmtree(device.site("office").folder)
    work = tmp_path / "killed"
    work.mkdir()

    done = subprocess.run(
        [
            sys.executable,
            "-c",
            KILLED,
            device.config.state_path,
            third,
            work,
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr
    *killed, last = done.stdout.splitlines()
    assert last == f"{len(killed) + 1} done"
    assert all(line.endswith("killed") for line in killed)
    names = []
    for number in range(1, len(killed) + 2):
        device.config = replace(device.config, state=str(work / str(number)))
        files = load_files(device.config, on_caution=pytest.fail)
        names.append(files.name)
        path = find_calibration(device.site("home"), files)
        assert Calibration.load(path, Bundle.from_files(files)).points == POINTS
    switched = names.index("third")
    assert names == ["second"] * switched + ["third"] * (len(names) - switched)
    assert 20 < switched < len(names) - 1  # there are calls before and after it


def test_after_it_was_killed_installing_again_succeeds(device, tmp_path):
    """A copy that was cut short, a calibration of it, and a lock of nobody."""
    device.install("first")
    half = device.store.folder / ".k3v9"
    shutil.copytree(device.bundle("second").directory, half)
    (half / THETA).unlink()
    name = bundle_name(device.bundle("second").digest)
    device.site("home").calibration(name).write_bytes(b"half")

    device.install("second")

    assert device.in_use() == "second"
    assert not half.exists()
    assert device.calibration("home").points == POINTS
