"""Nobody is guided through a site that is located from received power alone."""

import pytest


@pytest.mark.parametrize("command", [("calibrate", "--json"), ("label", "kitchen")])
def test_a_walk_is_for_images(run_agent, capsys, rss_directory, tmp_path, command):
    flags = ("--bundle", rss_directory, "--state", tmp_path / "state")

    code = run_agent(*command, *flags)

    assert code == 2
    talk = capsys.readouterr().err
    assert "locates from received power, for which nobody is guided; record" in talk
