"""Assertions of the contract explain themselves like those of the tests that inherit it; what tests in several places need."""

import signal
from collections.abc import Iterator

import pytest

pytest.register_assert_rewrite("tests.contract")


@pytest.fixture
def handled() -> Iterator[None]:
    """Ctrl-C raises, as in a terminal: in the background of a shell it is ignored, and so it is for what is started there."""
    earlier = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, earlier)
