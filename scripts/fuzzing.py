"""`scripts/fuzz`: damages good samples of every format, and sees that each is refused as it should be."""

import argparse
import importlib
import importlib.util
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]
PLACE: Final = ROOT / "var" / "fuzz"
LONGEST: Final = 60_000
"""Bytes of one input."""

_DESCRIPTION = """\
Damages good samples of every format that comes from strangers (tests/unit/parsers), and sees that each
parser refuses them by its own error and in clear words, or reads what is written so and not otherwise.

Without more it runs the property tests of the suite again and again, a thousand examples of each test at a
time. Where atheris is installed (.venv/bin/pip install atheris), that is used instead: it sees which lines
each input reaches. Inputs that went somewhere new are kept in var/fuzz, and so is one that shows a mistake.
A mistake becomes a test before it is mended.
"""


def main() -> int:
    """Runs the command; returns its exit code, 1 where a mistake was found."""
    arguments = _arguments()
    if arguments.atheris:
        # Before anything of ours is imported: atheris has to see it come.
        return _atheris(arguments.atheris, arguments.seconds)
    names = list(_tests())
    if unknown := set(arguments.parser) - set(names):
        print(f"fuzz: no parser {', '.join(sorted(unknown))}; --list names them", file=sys.stderr)
        return 2
    if arguments.list:
        print("\n".join(names))
        return 0
    wanted = arguments.parser or names
    if importlib.util.find_spec("atheris") is None:
        return _hypothesis(wanted, arguments.seconds)
    each = max(1, arguments.seconds // len(wanted))
    codes = [_run("-m", "scripts.fuzzing", "--atheris", name, "--seconds", str(each)) for name in wanted]
    return int(any(codes))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "fuzz", description=_DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=int, default=60, help="for how long, in all (60)")
    parser.add_argument(
        "--parser", metavar="NAME", action="append", default=[], help="only this one; may be given again"
    )
    parser.add_argument("--list", action="store_true", help="print the names of the parsers")
    parser.add_argument("--atheris", metavar="NAME", help=argparse.SUPPRESS)
    return parser.parse_args()


def _tests() -> dict[str, str]:
    """Returns the property test of each parser, as pytest names it."""
    from tests.unit.parsers.documents import DOCUMENTS
    from tests.unit.parsers.lines import LINES
    from tests.unit.parsers.signatures import NAMES

    mutations = "tests/unit/parsers/test_mutations.py::test_damaged"
    return {
        **{each.name: f"{mutations}_lines[{each.name}]" for each in LINES},
        **{each.name: f"{mutations}_documents[{each.name}]" for each in DOCUMENTS},
        **{
            name: f"tests/unit/parsers/test_signatures.py::test_damage_leaks_no_other_error[{name}]"
            for name in NAMES
        },
    }


def _hypothesis(names: list[str], seconds: int) -> int:
    print("fuzz: atheris is not installed; by the property tests of the suite", file=sys.stderr)
    tests, end = _tests(), time.monotonic() + seconds
    while time.monotonic() < end:
        ids = [tests[name] for name in names]
        if code := _run("-m", "pytest", "-q", "-x", "--hypothesis-profile", "thorough", *ids):
            return code
    return 0


def _run(*arguments: str) -> int:
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, check=False).returncode


def _atheris(name: str, seconds: int) -> int:
    """Damages samples of one parser in this process, which ends with the first mistake."""
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["namak"]):
        importlib.import_module("namak.evidence.signature")
        from tests.unit.parsers.documents import DOCUMENTS
        from tests.unit.parsers.lines import LINES
        from tests.unit.parsers.parsers import assert_refuses_or_reads
        from tests.unit.parsers.signatures import signatures
    parser = next(each for each in (*LINES, *DOCUMENTS, *signatures()) if each.name == name)
    corpus = PLACE / name.replace(" ", "-")
    corpus.mkdir(parents=True, exist_ok=True)
    (corpus / "sample").write_bytes(parser.sample)
    options = (f"-max_total_time={seconds}", f"-max_len={LONGEST}", "-timeout=30", "-rss_limit_mb=2048")
    print(f"fuzz: {name}", file=sys.stderr, flush=True)
    atheris.Setup(
        [sys.argv[0], *options, f"-artifact_prefix={corpus}{os.sep}mistake-", str(corpus)],
        lambda data: assert_refuses_or_reads(parser, data),
    )
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
