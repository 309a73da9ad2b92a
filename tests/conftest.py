"""Assertions of the contract explain themselves like those of the tests that inherit it."""

import pytest

pytest.register_assert_rewrite("tests.contract")
