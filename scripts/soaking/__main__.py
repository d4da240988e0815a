"""`scripts/soak`: kills processes at random while messages are sent, and accounts for every message."""

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from scripts.soaking.reckoning import Reckoning
from scripts.soaking.running import Order, Soak
from scripts.soaking.yard import ground

PLACE = Path(__file__).resolve().parents[2] / "var" / "soak"

_DESCRIPTION = """\
Shows whether anything is lost when processes are killed dead at random.

It makes a world of its own: a durable PostgreSQL, the log's token, two servers, two workers, two mail
listeners, a mail server outside and an SMS centre outside. Two agencies send messages over gRPC and by
mail, to mailboxes with and without forwarding targets, while processes are killed (SIGKILL) and started
again. Who gets no answer asks again, as clients must. Then everything that waits is done, every request is
repeated, and every message is accounted for: from the tables, by what the senders were told, by what came
to the mail server and the centre, and by the holders, who prove that their mailboxes lack nothing.

Forwarding is at least once: a copy whose worker is killed between the other server's answer and the record is
sent again, a mail with the same Message-ID. The report says how often.

Exit codes: 0 nothing is lost, 1 something is wrong, 2 wrong usage.
"""
_EXAMPLES = """examples:
  scripts/soak                                     10,000 messages; several minutes
  scripts/soak --messages 500 --kill-every 50      fewer, and more kills
  scripts/soak --seed 7 --json soak.json           other choices; the report in a file too

The seed decides who is killed after how long, who writes to whom, and which mails are put off. What a
process is doing when it is killed the machine decides.
"""


def show(result: Reckoning, console: Console) -> None:
    """Prints the account for people."""
    for check in result.checks:
        console.print(
            f"{'✓' if check.passed else '✗'} {check.name}", style=None if check.passed else "bold red"
        )
        for each in check.wrong:
            console.print(f"    {each}", markup=False)
    console.print()
    for name, value in result.figures.items():
        shown = (
            ", ".join(f"{key} {each}" for key, each in value.items()) if isinstance(value, dict) else value
        )
        console.print(f"{name.replace('_', ' ')}: {shown}", markup=False)
    console.print()
    console.print("Nothing is lost." if result.passed else "Something is wrong.", style="bold")


def main() -> int:
    """Runs; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="scripts/soak",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--messages", type=_count, default=10_000, metavar="N", help="at least so many (10000)"
    )
    parser.add_argument("--seed", type=int, default=1, help="of all choices (1)")
    parser.add_argument(
        "--kill-every",
        type=float,
        default=250.0,
        metavar="N",
        help="messages and copies between kills, on average; 0 kills nobody (250)",
    )
    parser.add_argument(
        "--silent",
        type=float,
        default=30.0,
        metavar="SECONDS",
        help="after which a killed worker's jobs are taken over (30)",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report there too")
    arguments = parser.parse_args()
    progress = Console(stderr=True, highlight=False)
    try:
        result = asyncio.run(_run(arguments, lambda text: progress.print(text, style="dim")))
    except (KeyboardInterrupt, asyncio.CancelledError):
        progress.print("Interrupted; everything is stopped.")
        return 130
    show(result, Console(highlight=False, width=None if sys.stdout.isatty() else 120))
    if arguments.json is not None:
        document = {
            "passed": result.passed,
            "checks": [
                {"name": each.name, "passed": each.passed, "wrong": list(each.wrong)}
                for each in result.checks
            ],
            **result.figures,
        }
        arguments.json.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return 0 if result.passed else 1


async def _run(arguments: argparse.Namespace, say: Callable[[str], None]) -> Reckoning:
    task = asyncio.current_task()
    assert task is not None
    # Told to end, it ends what it started, as after Ctrl-C.
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    say("making a world …")
    async with ground(PLACE) as (world, url):
        order = Order(
            world=world,
            url=url,
            guard=world.guard,
            messages=arguments.messages,
            seed=arguments.seed,
            kill_every=arguments.kill_every,
            silent=arguments.silent,
        )
        return await Soak(order, say).run()


def _count(text: str) -> int:
    if (count := int(text)) < 1:
        raise argparse.ArgumentTypeError("1 or more")
    return count


if __name__ == "__main__":
    sys.exit(main())
