"""A tracer that is none: free space, behind the names that the worker uses of sionna.

The process, the files and the failures around it are the real ones.
"""

DRJIT = """
__version__ = "1.5.0"
class detail:
    def llvm_version():
        return (19, 1, 7)
def set_thread_count(n):
    assert n >= 1
"""

MITSUBA = """
__version__ = "3.9.1"
class Properties(dict):
    pass
class Mesh(dict):
    def __init__(self, name, vertices, faces, props):
        pass
def set_variant(name):
    assert name == "llvm_ad_mono_polarized"
def traverse(mesh):
    return mesh
"""

SIONNA_RT = """
import numpy as np

DEAF_BELOW_X_M = 0.0

class Scene:
    frequency = None
    def __init__(self):
        self.transmitters, self.receivers = {}, {}
    def edit(self, add):
        pass
    def add(self, radio):
        radio.of(self)[radio.name] = radio
    def remove(self, name):
        (self.transmitters if name in self.transmitters else self.receivers).pop(name)

class Radio:
    def __init__(self, name, position):
        self.name, self.position = name, position
class Transmitter(Radio):
    def of(self, scene):
        return scene.transmitters
class Receiver(Radio):
    def of(self, scene):
        return scene.receivers
class ITURadioMaterial:
    def __init__(self, name, itu_type, thickness):
        pass
class SceneObject:
    def __init__(self, mi_mesh, name, radio_material):
        pass
class PlanarArray:
    def __init__(self, num_rows, num_cols, pattern, polarization):
        pass

def load_scene():
    return Scene()

class PathSolver:
    def __init__(self, deterministic):
        pass
    def __call__(self, scene, **settings):
        places = [
            np.array([radio.position for radio in radios.values()])
            for radios in (scene.receivers, scene.transmitters)
        ]
        return Paths(scene.frequency, *places)

class Paths:
    def __init__(self, carrier, receivers, transmitters):
        self.carrier = carrier
        away = receivers[:, None] - transmitters
        self.delay = np.linalg.norm(away, axis=2)[..., None] / 299_792_458
        self.heard = (receivers[:, 0] >= DEAF_BELOW_X_M)[:, None, None]
        self.heard = self.heard & np.ones_like(self.delay, bool)
    def cfr(self, tones, normalize_delays, out_type):
        frequency = self.carrier + tones
        gain = 1 / (4 * np.pi * self.carrier * self.delay)
        response = gain * np.exp(-2j * np.pi * frequency * self.delay) * self.heard
        return response[:, None, :, None, None]
    @property
    def valid(self):
        return self
    def numpy(self):
        return self.heard
"""


def write_stand_ins(folder, *, version="2.2.0", **more):
    """Write modules and the metadata of a distribution.

    Args:
        folder: To be put on PYTHONPATH.
        version: What sionna-rt pretends to be; None where it is not installed.
        more: Code appended to the modules ``drjit``, ``mitsuba`` and ``rt``.
    """
    (folder / "sionna").mkdir(parents=True)
    (folder / "sionna" / "__init__.py").touch()
    for path, name, code in (
        ("sionna/rt.py", "rt", SIONNA_RT),
        ("mitsuba.py", "mitsuba", MITSUBA),
        ("drjit.py", "drjit", DRJIT),
    ):
        (folder / path).write_text(code + more.pop(name, ""))
    assert not more
    if version is not None:
        about = folder / f"sionna_rt-{version}.dist-info"
        about.mkdir()
        text = f"Metadata-Version: 2.1\nName: sionna-rt\nVersion: {version}\n"
        (about / "METADATA").write_text(text)
