"""Small surveys in the formats of the public ones, written by hand."""

import struct

import numpy as np


def named(environments):
    return {environment.name: environment for environment in environments}


def write_lines(path, lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


# -- Intel 5300 ------------------------------------------------------------------------


def intel_csi(values):
    """Pack (30, n_rx, n_tx) pairs of signed bytes, bit by bit as the card does."""
    bits = []
    for tone in np.asarray(values):
        bits += [1, 0, 1]  # three bits that mean nothing
        for receiver in tone:
            for real, imaginary in receiver:
                for part in (real, imaginary):
                    bits += [int(part) % 256 >> position & 1 for position in range(8)]
    bits += [0] * (-len(bits) % 8)
    return bytes(
        sum(bit << k for k, bit in enumerate(bits[start : start + 8]))
        for start in range(0, len(bits), 8)
    )


def intel_report(
    values, *, time_us=1000, rssi=(40, 38, 36), gain=30, selection=0b100100, **lengths
):
    """A record with one report; ``n_csi`` and ``length`` may lie."""
    values = np.asarray(values)
    csi = intel_csi(values)
    header = struct.pack(
        "<IHHBBBBBbBBHH",
        time_us,
        1,
        0,
        values.shape[1],
        values.shape[2],
        *rssi,
        -90,
        gain,
        selection,
        lengths.get("n_csi", len(csi)),
        0x1103,
    )
    return intel_record(b"\xbb" + header + csi, length=lengths.get("length"))


def intel_record(body, *, length=None):
    return struct.pack(">H", len(body) if length is None else length) + body


def random_gains(rng, *, n_rx=3, n_tx=2):
    return rng.integers(-128, 128, (30, n_rx, n_tx, 2))


# -- compact copies --------------------------------------------------------------------


def write_compact(data, file, **arrays):
    path = data / "surveys" / file
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, **arrays)
    return path
