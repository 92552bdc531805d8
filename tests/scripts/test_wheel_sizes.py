import zipfile

import pytest

from scripts.wheel_sizes import Wheel, main, report


@pytest.fixture
def folder(tmp_path):
    return tmp_path


def write_wheel(folder, name, files):
    path = folder / name
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, size in files.items():
            archive.writestr(member, bytes(size))
    return path


def named(folder, tag):
    return Wheel.read(write_wheel(folder, f"a-1-{tag}.whl", {"a.py": 1}))


def test_a_wheel_is_read_from_its_name_and_its_table_of_contents(folder):
    files = {"a/__init__.py": 1000, "a/_kernel.abi3.so": 5000}
    path = write_wheel(folder, "a_b-1.2-3-cp311-abi3-linux_x86_64.whl", files)

    wheel = Wheel.read(path)

    assert (wheel.name, wheel.version) == ("a_b", "1.2")
    assert wheel.tag == "cp311-abi3-linux_x86_64"
    assert wheel.packed_bytes == path.stat().st_size < 1000  # zeros pack well
    assert wheel.installed_bytes == 6000
    assert wheel.n_native == 1


@pytest.mark.parametrize(
    ("platforms", "minor"),
    [
        ("any", 0),
        ("manylinux_2_28_aarch64", 28),
        ("manylinux_2_27_x86_64.manylinux_2_28_x86_64", 27),  # either is enough
        ("manylinux2014_aarch64.manylinux_2_17_aarch64", 17),
        ("manylinux2010_x86_64", 12),
        ("manylinux1_x86_64", 5),
    ],
)
def test_the_platform_says_which_glibc_suffices(folder, platforms, minor):
    assert named(folder, f"cp311-cp311-{platforms}").glibc_minor == minor


def test_what_is_installed_together_is_summed_and_needs_the_newest_glibc(folder):
    wheels = [
        Wheel(
            "B", "2.0", "cp311-cp311-manylinux_2_28_aarch64", 1_500_000, 4_000_000, 7
        ),
        Wheel("a", "1.0", "cp310-abi3-manylinux2014_aarch64", 500_000, 3_250_000, 1),
    ]

    lines = report("Python 3.11", wheels, together=True)

    assert lines[0] == "Python 3.11 (glibc 2.28 or newer)"
    assert [line.split()[0] for line in lines[1:]] == ["package", "a", "B", "total"]
    assert lines[-1].split() == ["total", "2.00", "MB", "7.25", "MB"]


def test_wheels_for_themselves_are_not_summed_but_say_what_of_them_is_c(folder):
    lines = report("ours", [named(folder, "cp311-abi3-linux_x86_64")], together=False)

    assert lines[0] == "ours"
    assert lines[-1].endswith("cp311-abi3-linux_x86_64, 0 in C")


@pytest.mark.parametrize("name", ["a-1.whl", "a-1-py3-none-any.zip"])
def test_a_file_that_is_not_named_as_wheels_are_is_refused(folder, name):
    path = write_wheel(folder, name, {"a.py": 1})

    with pytest.raises(ValueError, match="is not named NAME-VERSION"):
        Wheel.read(path)


def test_a_wheel_that_is_no_archive_is_refused(folder):
    path = folder / "a-1-py3-none-any.whl"
    path.write_bytes(b"<html>not found</html>")

    with pytest.raises(ValueError, match=r"a-1-py3-none-any\.whl is no archive"):
        Wheel.read(path)


def test_the_command_prints_a_folder_of_wheels(folder, capsys):
    write_wheel(folder, "a-1-py3-none-any.whl", {"a.py": 20_000})

    assert main(["--title", "Python 3.11", str(folder)]) == 0
    assert "total" in capsys.readouterr().out


def test_a_folder_with_a_source_archive_fails(folder, capsys):
    """It would have to be compiled on the device."""
    write_wheel(folder, "a-1-py3-none-any.whl", {"a.py": 1})
    (folder / "b-2.tar.gz").write_bytes(b"")

    assert main([str(folder)]) == 1
    assert "holds b-2.tar.gz, expected wheels alone" in capsys.readouterr().err


def test_a_folder_without_wheels_fails(folder, capsys):
    assert main([str(folder)]) == 1
    assert "holds nothing, expected wheels alone" in capsys.readouterr().err


def test_a_damaged_wheel_fails_and_is_named(folder, capsys):
    (folder / "a-1-py3-none-any.whl").write_bytes(b"")

    assert main([str(folder)]) == 1
    assert "a-1-py3-none-any.whl is no archive" in capsys.readouterr().err
