"""Points and walls of a site: read strictly, added to without losing a word."""

import stat
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.errors import ConfigError
from edge_agent.site_file import (
    SiteFile,
    Wall,
    add_point,
    named_point,
    read_site_file,
)
from edge_agent.survey import Point

FLAT = """\
# measured with the tape, 2 May
[site]
plan = "flat.svg"

[[point]]
name = "table"
room = "kitchen"
x = 1.2
y = 0.5

[[point]]
x = 3
y = -1.5
floor = 1

[[wall]]
from = [0, 2.0]
to = [4.0, 2.0]
floor = 1
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "home" / "site.toml"


@pytest.fixture
def read(path):
    """Read a site file with this text."""

    def read(text):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return read_site_file(path)

    return read


# -- reading ---------------------------------------------------------------------------


def test_points_and_walls_are_read(read):
    assert read(FLAT) == SiteFile(
        (Point("table", 1.2, 0.5, "kitchen"), Point("3,-1.5", 3.0, -1.5, None, 1)),
        (Wall((0.0, 2.0), (4.0, 2.0), 1),),
        "flat.svg",
    )


def test_rooms_alone_will_do(read):
    site = read('[[point]]\nroom = "kitchen"\n[[point]]\nroom = "hall"\nname = "door"')

    assert site.points == (
        Point("kitchen", None, None, "kitchen"),
        Point("door", None, None, "hall"),
    )


def test_outside_has_neither(read):
    site = read('[[point]]\nname = "outside"\n[[point]]\nroom = "a"\nx = 1\ny = 1')

    assert site.points[0].is_outside


def test_an_empty_file_knows_nothing(read):
    assert read("") == SiteFile()


def test_lines_may_end_as_on_windows(read):
    assert read(FLAT.replace("\n", "\r\n")) == read(FLAT)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[sight]", "unknown key sight; did you mean site?"),
        ("[[points]]", "unknown key points; did you mean point?"),
        ("[site]\nmap = 'x'", "unknown key site.map; known are plan"),
        ("point = 3", r"point must be \[\[point\]\] tables, not 3"),
        ("[point]\nroom = 'a'", r"point must be \[\[point\]\] tables, not {"),
        ("point = [1]", "point 1 must be a table, not 1"),
        ("[[point]]\nroom = 'a'\n[[point]]\nrom = 'b'", "key point 2.rom; did you mea"),
        ("[[point]]\nroom = 1", "point 1.room must be text in quotes, not 1"),
        ("[[point]]\nx = '1'\ny = 1", "point 1.x must be a number, not '1'"),
        ("[[point]]\nx = true\ny = 1", "point 1.x must be a number, not True"),
        (f"[[point]]\nx = {10**400}\ny = 1", "point 1.x must be a number, not 1000"),
        ("[[point]]\nroom = 'a'\nfloor = 0.5", "floor must be a whole number, not 0.5"),
        ("[[point]]\nname = 'a'", "point 1 'a': has neither a room nor x and y"),
        ("[[point]]\nname = 'a'\nx = 1", "point 1 'a': has one coordinate"),
        ("[[point]]\nx = nan\ny = 1", "point 1 '': x is nan, not -1000000.0 to 1000"),
        ("[[point]]\nx = 1\ny = 2e6", "y is 2000000.0, not -1000000.0 to 1000000.0"),
        ("[[point]]\nroom = 'a'\nfloor = 1001", "floor is 1001, not -1000 to 1000"),
        ("[[point]]\nroom = 'a\tb'", r"room is 'a\\tb': up to 100 printable"),
        ("[[point]]\nroom = ' a'", "room is ' a': up to 100 printable characters"),
        (f"[[point]]\nroom = '{'a' * 101}'", "up to 100 printable characters"),
        ("[[point]]\nname = 'outside'\nx = 1\ny = 1", "outside stands for everywhere"),
        ("[[point]]\nroom = 'outside'", "outside stands for everywhere else"),
        ("[[point]]\nroom = 'a'\n" * 2, "two points are called 'a'"),
        (
            "[[point]]\nroom = 'a'\n[[point]]\nname = 'b'\nx = 1\ny = 1",
            "point 'b' has coordinates and 'a' has none",
        ),
        ("[[wall]]\nto = [1, 2]", "wall 1 lacks from"),
        (
            "[[wall]]\nstart = [1, 2]",
            "unknown key wall 1.start; known are from, to, fl",
        ),
        ("[[wall]]\nfrom = [1, 2]\nto = [1]", r"wall 1.to must have 2 values, not \[1"),
        ("[[wall]]\nfrom = 1\nto = [1, 2]", "wall 1.from must be a list, not 1"),
        ("[[wall]]\nfrom = [1, 'a']\nto = [1, 2]", "wall 1.from 2 must be a number, n"),
        ("[[wall]]\nfrom = [1, inf]\nto = [1, 2]", "wall 1: from is inf, not -1000000"),
        ("[[wall]]\nfrom = [1, 2]\nto = [1, 2]", "wall 1: from and to are the same pl"),
        (
            "[[wall]]\nfrom = [1, 2]\nto = [1, 3]\nfloor = -1001",
            "wall 1: floor is -1001, not -1000 to 1000",
        ),
        ("[[point]]\nroom = \n", r"is not valid TOML: .*line 2"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_name(read, text, reason):
    with pytest.raises(ConfigError, match=rf"site.toml:? .*{reason}"):
        read(text)


def test_more_points_than_anybody_walks_to_are_refused(read):
    with pytest.raises(ConfigError, match="1001 points and 0 walls; at most 1000"):
        read("".join(f"[[point]]\nroom = 'r{n}'\n" for n in range(1001)))


def test_a_file_of_a_megabyte_is_not_read(read):
    with pytest.raises(ConfigError, match=r"site.toml is larger than 1048576 bytes"):
        read("#" * (1 << 20) + "#")


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "No such file"), (b"\xff", "is not valid TOML: .*utf-8")],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path, content, reason):
    path = tmp_path / "site.toml"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(ConfigError, match=rf"site.toml.* {reason}"):
        read_site_file(path)


def test_lists_that_nest_without_end_are_no_toml(read):
    with pytest.raises(ConfigError, match=r"is not valid TOML"):
        read("point = " + "[" * 5000)


# -- adding ----------------------------------------------------------------------------


def test_the_first_point_makes_the_file(path):
    site = add_point(path, Point("table", 1.25, 0.5, "kitchen", 2))

    assert site == read_site_file(path)
    assert path.read_text() == (
        '[[point]]\nname = "table"\nroom = "kitchen"\nx = 1.25\ny = 0.5\nfloor = 2\n'
    )
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


@pytest.mark.parametrize("text", [FLAT, FLAT.rstrip("\n")])
def test_what_people_wrote_stays_as_it_is(read, path, text):
    before = read(text)
    new = Point("sofa", 5.0, 0.1, "lounge")

    after = add_point(path, new)

    assert path.read_text().startswith(FLAT)
    assert after == SiteFile((*before.points, new), before.walls, before.plan)


def test_a_name_that_is_there_is_refused_and_nothing_is_written(read, path):
    read(FLAT)

    with pytest.raises(ConfigError, match="two points are called 'table'"):
        add_point(path, Point("table", 1.0, 1.0, "attic"))
    assert path.read_text() == FLAT
    assert list(path.parent.iterdir()) == [path]


def test_points_in_one_line_cannot_be_added_to(read, path):
    text = "point = [{room = 'a'}]\n"
    read(text)

    with pytest.raises(ConfigError, match=r"cannot add point 'b' .*write points as"):
        add_point(path, Point("b", None, None, "b"))
    assert path.read_text() == text


def test_a_folder_that_cannot_be_written_is_named(path):
    path.parent.write_text("a file where the folder should be")

    with pytest.raises(ConfigError, match=r"cannot write .*; name another with --site"):
        add_point(path, Point("b", None, None, "b"))


NAMES = st.text(min_size=1, max_size=20).filter(
    lambda text: text.isprintable() and text == text.strip() and text != "outside"
)
COORDINATES = st.floats(-1e6, 1e6)


@settings(max_examples=40)
@given(
    name=NAMES | st.sampled_from(['"', "\\", "'''", "é☃", string.punctuation]),
    room=NAMES | st.none(),
    where=st.tuples(COORDINATES, COORDINATES) | st.none(),
    floor=st.integers(-1000, 1000),
)
def test_whatever_can_be_typed_is_read_back(tmp_path_factory, name, room, where, floor):
    path = tmp_path_factory.mktemp("site") / "site.toml"
    x, y = where or (None, None)
    if where is None and room is None:
        room = "somewhere"
    point = named_point(name, x, y, room, floor)

    assert add_point(path, point) == SiteFile((point,))
