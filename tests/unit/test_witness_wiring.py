"""The settings of the log's witnesses: what could never be witnessed is told before anything starts."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from server.bootstrap_witnesses import WitnessesUnusable, witness_terms
from server.config_witnesses import WitnessesSettings
from tests.unit.evidence.signing import LogKey, WitnessKey

ONE, TWO = WitnessKey("a.example/w").vkey, WitnessKey("b.example/w").vkey
URL = "https://a.example/witness/"


def settings(directory: Path, text: str, **more: str) -> WitnessesSettings:
    path = directory / "policy"
    path.write_text(text)
    return WitnessesSettings.model_validate({"policy": str(path), **more})


async def test_a_policy_says_whom_to_ask_and_when(tmp_path: Path) -> None:
    text = f"log {LogKey().vkey}\nwitness a {ONE} {URL}\nwitness b {TWO}\ngroup g any a b\nquorum g\n"
    async with witness_terms(
        settings(tmp_path, text, interval="2s", retry_longest="5m", renewal="1h")
    ) as terms:
        assert terms is not None
        assert [(each.name, each.url) for each in terms.policy.witnesses] == [
            (b"a", URL.encode()),
            (b"b", None),
        ]
        assert (terms.interval, terms.retry_longest, terms.renewal) == (2.0, 300.0, 3600.0)


async def test_without_a_policy_nobody_is_asked() -> None:
    async with witness_terms(WitnessesSettings()) as terms:
        assert terms is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("quorum none\n", "quorum is none"),
        ("witness a ONE URL\n", "no quorum line"),
        ("witness a ONE URL\nquorum b\n", "line 2"),
        ("witness a ONE\nquorum a\n", "too few"),
        ("witness a ONE URL\nwitness b TWO\ngroup g all a b\nquorum g\n", "too few"),
        ("witness a LOG URL\nquorum a\n", "line 1"),
        *(
            (f"witness a ONE {url}\nquorum a\n", "the address of a")
            for url in (
                "ftp://a.example/",
                "a.example",
                "https:///x",
                "https://a.example:99999/",
                "https://u@a/",
            )
        ),
        ("witness a ONE https://a.example/?q\nquorum a\n", "the address of a"),
    ],
)
async def test_a_policy_by_which_nothing_could_be_witnessed_is_refused(
    text: str, told: str, tmp_path: Path
) -> None:
    for name, value in (("ONE", ONE), ("TWO", TWO), ("LOG", LogKey().vkey), ("URL", URL)):
        text = text.replace(f" {name}", f" {value}")
    with pytest.raises(WitnessesUnusable, match=told):
        async with witness_terms(settings(tmp_path, text)):
            pass


@pytest.mark.parametrize(
    "wrong",
    [
        *({"interval": "50ms"}, {"interval": "11m"}, {"timeout": "0s"}, {"timeout": "2m"}),
        *({"retry_longest": "0s"}, {"policy": "absent"}, {"authorities": "absent"}, {"quorum": "a"}),
    ],
)
def test_wrong_settings_are_told(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        WitnessesSettings.model_validate(wrong)
