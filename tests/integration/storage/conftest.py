"""What several tests of storage use."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """A directory that every account may enter, other than `tmp_path`, which is its owner's alone."""
    directory = Path(tempfile.mkdtemp(prefix="namak-test-"))
    directory.chmod(0o711)
    yield directory
    shutil.rmtree(directory)
