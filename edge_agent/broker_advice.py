"""Why a broker does not take us, and what to do about it."""

from typing import Final

HUNG_UP: Final = "closed the connection without an MQTT answer"
NO_ANSWER: Final = "no answer"


def may_be_about_version(refusal: str) -> bool:
    """Tell whether an older version of the protocol is worth a try."""
    # Some 3.1.1 brokers hang up on MQTT 5, or wait, instead of answering.
    return "version" in refusal.lower() or refusal.startswith((NO_ANSWER, HUNG_UP))


def advice(where: str, refusal: str) -> str:
    """Return what a person is told: who refuses and why, and what to do.

    Args:
        where: The broker's address.
        refusal: What it said, or `NO_ANSWER` or `HUNG_UP`, or that it cannot be
            reached.
    """
    message = f"broker {where}: {refusal}"
    lower = refusal.lower()
    if "reached" in lower:
        return (
            f"{message}; is it running, and are broker.host and broker.port right? "
            "(--broker HOST:PORT, or --broker none to publish nothing)"
        )
    if "authori" in lower or "user name" in lower:
        return (
            f"{message}; set broker.username and broker.password_file, or the variable "
            "METALOC_BROKER_PASSWORD"
        )
    if refusal.startswith((NO_ANSWER, HUNG_UP)):
        return (
            f"{message}; is this an MQTT port? (usually 1883; TLS and WebSocket ports "
            "are not)"
        )
    return message
