"""One thread, whatever a command line asks for; and folders that tests share."""

import pytest
import torch

from tests.trainer.builders import add_csu_capture, write_csu_sheets


@pytest.fixture(autouse=True)
def one_torch_thread():
    torch.set_num_threads(1)


@pytest.fixture
def csu_root(tmp_path):
    """EPIC-CSU in small: two reference captures and a test capture, all empty."""
    root = tmp_path / "dataset"
    for stem in ("ref_204_1_3500", "ref_204_2_3500"):
        add_csu_capture(root, "ref", stem)
    add_csu_capture(root, "test", "test_204_1_100")
    head = ["point", "x", "y"]
    write_csu_sheets(
        root,
        ref_coord_path1=[head, ["204_1", 1.5, 2], ["204_2", -3.25, 0.5]],
        test_coord_path1=[head, ["204_1", 1.75, 2]],
    )
    return root
