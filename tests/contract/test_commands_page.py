"""docs/client.md lists every command of ``namak``, and no other."""

import re

from tests.client.test_texts import COMMANDS
from tests.contract.imports import ROOT

PAGE = (ROOT / "docs/client.md").read_text("utf-8")


def test_the_list_of_commands_is_whole_and_names_none_that_is_gone() -> None:
    section = PAGE[PAGE.index("## The commands") :]
    table = section[section.index("| who | commands |") : section.index("- Organisations are named")]
    rows = [line.rsplit("|", 2)[1] for line in table.splitlines() if line.startswith("| ")]
    listed = {name for row in rows for name in re.findall(r"`([a-z][a-z -]*)`", row)}

    assert sorted(listed) == sorted(" ".join(path) for path in COMMANDS)
