"""Every error knows its exit code."""

import inspect

import pytest

from edge_agent import errors

CLASSES = [
    member
    for _, member in inspect.getmembers(errors, inspect.isclass)
    if member.__module__ == errors.__name__
]


@pytest.mark.parametrize("error", CLASSES)
def test_what_the_user_wrote_is_2_and_all_else_1(error):
    is_usage = error in (errors.UsageError, errors.ConfigError)

    assert issubclass(error, errors.AgentError)
    assert error("reason").exit_code == (2 if is_usage else 1)
