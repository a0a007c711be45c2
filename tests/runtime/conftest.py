"""Stacks for the tests of `pok`: a new one, and one that has been started before, which starts faster."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.stack import READY, Stack


@pytest.fixture
def new_stack(tmp_path: Path) -> Iterator[Stack]:
    """A stack that was never started."""
    stack = Stack(tmp_path)
    yield stack
    stack.end()


@pytest.fixture
def stack(new_stack: Stack, made_data: Path) -> Stack:
    """A stack that was started and stopped before."""
    shutil.copytree(made_data, new_stack.data)
    return new_stack


@pytest.fixture(scope="session")
def made_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder that a first start leaves behind."""
    stack = Stack(tmp_path_factory.mktemp("made"))
    try:
        stack.up().until(READY)
    finally:
        stack.end()
    return stack.data
