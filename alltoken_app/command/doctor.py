"""`doctor`: everything that could be wrong, in one table."""

import json
from dataclasses import asdict

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from alltoken_app.command.checks import Finding, Verdict, examine
from alltoken_app.settings import Settings

STYLE = {Verdict.OK: "green", Verdict.NOTE: "yellow", Verdict.BROKEN: "bold red"}


def doctor(settings: Settings, *, as_json: bool) -> int:
    """Print every finding; 1 when something needed is broken, else 0."""
    findings = examine(settings)
    broken = any(finding.verdict is Verdict.BROKEN for finding in findings)
    if as_json:
        rows = [asdict(finding) for finding in findings]
        typer.echo(json.dumps({"broken": broken, "findings": rows}))
    else:
        Console().print(table(findings))
    return int(broken)


def table(findings: list[Finding]) -> Table:
    """The findings, one row each; a room is named in its first row only."""
    drawn = Table(box=None, pad_edge=False)
    for heading in ("", "what", "state", ""):
        drawn.add_column(heading, overflow="fold")
    room = ""
    for finding in findings:
        shown = "" if finding.room == room else finding.room
        room = finding.room
        state = Text(finding.verdict, STYLE[finding.verdict])
        drawn.add_row(Text(shown, "bold"), finding.name, state, Text(finding.text))
    return drawn
