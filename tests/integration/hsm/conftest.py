"""One token with good and odd keys for all that looks at keys."""

import pytest

from server.dev.tokens import SoftHsmMissing, softhsm_module
from tests.integration.hsm.place import Place
from tests.integration.hsm.token_keys import odd_keys, token_without_pin


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A token in which nothing is changed but by making further keys."""
    try:
        softhsm_module()
    except SoftHsmMissing as missing:
        pytest.skip(str(missing))
    made = Place.create(tmp_path_factory.mktemp("ceremonies"))
    made.token.generate_log_key("good")
    odd_keys(made.token)
    token_without_pin(made.token, "fresh")
    return made
