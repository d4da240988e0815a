"""What `--version` rests on."""

from importlib import metadata

from namak.releases import installed


def test_tells_a_distributions_version_and_that_it_is_not_installed() -> None:
    assert installed("namak-client") == metadata.version("namak-client")
    assert installed("namak-of-nowhere") is None
