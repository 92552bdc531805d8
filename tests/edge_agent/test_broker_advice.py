"""What people are told whose broker refuses."""

import pytest

from edge_agent.broker_advice import HUNG_UP, NO_ANSWER, advice, may_be_about_version

WHERE = "broker.example:1883"


@pytest.mark.parametrize(
    ("refusal", "hint"),
    [
        ("cannot be reached (Connection refused)", "--broker none to publish nothing"),
        ("Not authorized", "METALOC_BROKER_PASSWORD"),
        ("Bad user name or password", "broker.password_file"),
        (f"{NO_ANSWER} within 5 s", "is this an MQTT port?"),
        (HUNG_UP, "is this an MQTT port?"),
    ],
)
def test_who_refuses_and_why_and_what_to_do(refusal, hint):
    said = advice(WHERE, refusal)

    assert said.startswith(f"broker {WHERE}: {refusal}; ")
    assert hint in said


def test_where_nothing_is_known_to_help_the_reason_stands_alone():
    assert advice(WHERE, "Banned") == f"broker {WHERE}: Banned"


@pytest.mark.parametrize(
    ("refusal", "may_be"),
    [
        ("Unsupported protocol version", True),
        (f"{NO_ANSWER} within 3 s", True),
        (HUNG_UP, True),
        ("Not authorized", False),
        ("cannot be reached (Connection refused)", False),
    ],
)
def test_an_older_version_is_tried_where_it_may_help(refusal, may_be):
    assert may_be_about_version(refusal) is may_be
