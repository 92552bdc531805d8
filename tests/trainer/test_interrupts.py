import os
import signal

import pytest

from trainer.interrupts import stop_on_interrupt


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_request_asks_to_stop_and_is_said_once(number):
    said = []
    with stop_on_interrupt(lambda: said.append("stopping")) as should_stop:
        assert not should_stop()
        os.kill(os.getpid(), number)
        assert should_stop()

    assert said == ["stopping"]


def test_the_second_one_interrupts_at_once():
    with stop_on_interrupt(lambda: None):
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_outside_ctrl_c_does_what_it_did():
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)

    with stop_on_interrupt(lambda: None):
        assert signal.getsignal(signal.SIGINT) is not before[0]

    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
