"""MetaLoc's own CSI images: a hall and a laboratory, five days each (evaluate only).

    <folder with the date>/sample10/RGB/<label>_<number>.png     three access points
    <folder with the date>/sample10/label.csv                    file name,label

https://github.com/StatFusion/MetaLoc points to the images; no licence is stated.
Labels 0 to 89 are points of a grid: `trainer.simulate.grids`.

The images are 52 tones by 50 packets of amplitudes in 0..255, on a scale that nobody
states; no received power. They do not say which of them were recorded in one visit, so
all are of one.

Not seen when this was written: an image. Names of files are those of the authors' code;
that the side of 52 is the one of tones, rows where neither is, is an assumption.
"""

import re
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from trainer.simulate.grids import N_POINTS, grid
from trainer.surveys.environment import Environment, Floats, Signals
from trainer.surveys.originals import refuse_doubles
from trainer.surveys.points import make_place
from trainer.surveys.report import Skips, SurveyDataError
from trainer.surveys.text_tables import read_rows

CHANNELS = ("AP1", "AP2", "AP3")
N_TONES = 52
HALL_DAYS = ("0609", "0623", "0630", "0707", "0714")
LAB_DAYS = ("0721", "0819", "0831", "0924", "0925")
_MAX_SIDE = 512
_DAMAGE = (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError)
"""What Pillow raises for a file that is damaged or no image."""


def from_original(root: Path, skips: Skips) -> list[Environment]:
    """Return one environment per day.

    Raises:
        SurveyDataError: There is no list of labels, a folder names neither a known date
            nor its scene, a day or image is listed twice, or images differ in size.
    """
    lists = sorted(p for p in root.rglob("label.csv") if (p.parent / "RGB").is_dir())
    if not lists:
        raise SurveyDataError(f"{root} has no folder with label.csv and RGB")
    days = [(_scene_and_day(path, root), path) for path in lists]
    refuse_doubles(days)
    environments, shapes = [], set()
    for (scene, day), path in days:
        place, point_of_label = make_place(f"metaloc/{scene}", grid(scene), CHANNELS)
        images, labels = _images(path, skips)
        if not labels:
            continue
        shapes.add(images.shape[1:])
        if len(shapes) > 1:
            raise SurveyDataError(
                f"{path.parent}: images of {images.shape[1:]}, others have another "
                f"shape: {sorted(shapes)}"
            )
        n = len(labels)
        environments.append(
            Environment(
                f"{scene}-{day}",
                place,
                int(day),
                Signals(np.full((n, len(CHANNELS)), np.nan, np.float32), images),
                point_of_label[labels],
                np.zeros(n, np.intp),
                np.zeros(n, np.bool_),
            )
        )
    if not environments:
        raise SurveyDataError(f"none of the images listed below {root} can be read")
    return environments


def _scene_and_day(path: Path, root: Path) -> tuple[str, str]:
    """Return hall or lab, and mmdd, from the names of the folders."""
    text = "/".join(path.relative_to(root.parent).parts[:-1])
    days = re.findall(r"(?<!\d)(\d{4})(?!\d)", text)
    day = days[-1] if days else "0"
    if day in HALL_DAYS:
        return "hall", day
    if day in LAB_DAYS:
        return "lab", day
    for scene in ("hall", "lab"):
        if re.search(scene, text, re.IGNORECASE):
            return scene, day
    raise SurveyDataError(
        f"{path}: neither the date in {text!r} is known nor is it called hall or lab; "
        "rename a folder so that the grid is clear"
    )


def _images(path: Path, skips: Skips) -> tuple[Floats, list[int]]:
    """Return the images of a list, shape (n, n_packets, n_tones, 3), and labels."""
    images: list[npt.NDArray[np.uint8]] = []
    labels: list[int] = []
    line_of: dict[Path, int] = {}
    for number, row in enumerate(read_rows(path), 1):
        if not row:
            continue
        label = row[1].strip() if len(row) > 1 else ""
        point = _point(label)
        if point is None:
            if number == 1:  # a line of titles
                continue
            raise SurveyDataError(
                f"{path}, line {number}: {str(row)[:80]} is not a file and a label 0 "
                f"to {N_POINTS - 1}"
            )
        image = path.parent / "RGB" / Path(row[0].strip()).name
        if image in line_of:
            raise SurveyDataError(
                f"{path}: {image.name} is listed in line {line_of[image]} and again in "
                f"line {number}; an image is of one point, once"
            )
        line_of[image] = number
        if not _is_there(image):
            skips.count("images that are listed but not there")
            continue
        pixels = _pixels(image)
        if pixels is None:
            skips.count("images that cannot be read")
            continue
        if images and pixels.shape != images[0].shape:
            raise SurveyDataError(
                f"{image} has shape {pixels.shape}, the first image {images[0].shape}"
            )
        images.append(pixels)
        labels.append(point)
    stacked = np.stack(images) if images else np.empty((0, 50, N_TONES, 3), np.uint8)
    return stacked.astype(np.float32), labels


def _point(label: str) -> int | None:
    """Return the number of a point; None for what is none."""
    if not re.fullmatch("[0-9]{1,4}", label):
        return None
    return int(label) if int(label) < N_POINTS else None


def _is_there(image: Path) -> bool:
    """Return whether there is such a file; not where no file can have the name."""
    try:
        return image.is_file()
    except OSError:
        return False


def _pixels(path: Path) -> npt.NDArray[np.uint8] | None:
    """Return (n_packets, n_tones, 3); None for a damaged image."""
    try:
        with Image.open(path) as image:
            if max(image.size) > _MAX_SIDE:
                return None
            pixels = np.asarray(image.convert("RGB"))
    except _DAMAGE:
        return None
    if pixels.shape[0] == N_TONES or pixels.shape[1] != N_TONES:
        pixels = pixels.swapaxes(0, 1)
    return pixels
