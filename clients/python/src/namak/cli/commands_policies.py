"""The commands about notification policies, as a person sees them."""

from pathlib import Path
from typing import Annotated

import typer

from namak.cli.app import Run, add, group
from namak.cli.codes import ExitCode
from namak.cli.options import Force
from namak.cli.texts import N_

Key = Annotated[str, typer.Argument(metavar="POLICY", help=N_("The policy, for example am-2025@2."))]
Svg = Annotated[
    Path | None, typer.Option("--svg", metavar="FILE", help=N_("Draw it into this file, as SVG."))
]


def register(app: typer.Typer) -> None:
    """Adds the commands about notification policies."""
    policy = group(app, "policy", N_("Look at the policies by which people are properly notified; offline."))
    add(
        policy,
        "list",
        policy_list,
        N_("List the policies that this version knows."),
        examples=("namak policy list",),
    )
    add(
        policy,
        "explain",
        policy_explain,
        N_("Explain a policy: its rules, its steps, its sources and what is assumed."),
        examples=("namak policy explain am-2025@2", "namak policy explain am-2025@2 --svg ladder.svg"),
    )
    add(
        policy,
        "simulate",
        policy_simulate,
        N_("Play a policy over facts that you name: what happens when, and since when somebody is notified."),
        N_(
            "A time without a zone counts in the profile's civil time. After a slash stands the time that "
            "others report: LetterHandedOver@2026-12-01T10:00/2026-11-28T09:00."
        ),
        examples=(
            (
                "namak policy simulate am-2025@2 --fact ContentConsignment@2026-11-22T10:00 "
                "--fact NoticePublished@2026-12-03T09:00"
            ),
            "namak policy simulate am-2025@2 --facts facts.json --svg timeline.svg",
        ),
    )


async def policy_list(run: Run) -> ExitCode:
    """Lists policies."""
    from namak.cli import policies

    return policies.show_list(run)


async def policy_explain(run: Run, policy: Key, svg: Svg = None, force: Force = False) -> ExitCode:
    """Explains a policy."""
    from namak.cli import policies

    return policies.explain(run, policy, svg, force=force)


async def policy_simulate(
    run: Run,
    policy: Key,
    fact: Annotated[
        list[str] | None,
        typer.Option("--fact", metavar="EVENT@TIME", help=N_("A fact and its time; may be repeated.")),
    ] = None,
    facts: Annotated[
        Path | None,
        typer.Option(
            "--facts",
            metavar="FILE",
            help=N_("A JSON list of facts: objects with event, time and perhaps reported_time."),
        ),
    ] = None,
    profile: Annotated[
        str,
        typer.Option("--profile", metavar="CODE", help=N_("Whose civil time and working days count.")),
    ] = "am",
    svg: Svg = None,
    force: Force = False,
) -> ExitCode:
    """Plays a policy."""
    from namak.cli import policies

    return policies.simulate(run, policy, fact or [], facts, profile, svg, force=force)
