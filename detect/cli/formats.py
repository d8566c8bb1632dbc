"""`detect formats`: what can be read and written, what each format holds and what it loses."""

from __future__ import annotations

import click

from detect.cli import options


@click.command()
@options.quiet
@options.as_json
def formats(as_json: bool) -> None:
    """List the annotation formats: what each can hold, and what it loses; and the predictions of other tools.

    \b
    Example:
      detect formats
      detect formats --json
    """
    from detect.conversion import FORMATS
    from detect.conversion.predictions.layouts import PREDICTIONS

    rows = [
        {
            "format": row.name,
            "title": row.title,
            "read": True,
            "write": row.written,
            "layout": row.layout,
            "holds": row.holds,
            "loses": row.loses,
        }
        for row in FORMATS.values()
    ]
    predicted = [{"predictions": one.name, "title": one.title, "example": one.example} for one in PREDICTIONS]
    if as_json:
        options.print_json([*rows, *predicted])
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table("format", "what", "read", "write", "holds", "loses", box=None, padding=(0, 2, 1, 0))
    for row in rows:
        yes = ("yes", "yes" if row["write"] else "no")
        table.add_row(str(row["format"]), str(row["title"]), *yes, str(row["holds"]), str(row["loses"]))
    screen = Console()
    screen.print(table)
    screen.print("Predictions that evaluate, compare and review read:\n", highlight=False)
    listed = Table("predictions", "of", "a detection", box=None, padding=(0, 2, 1, 0))
    for one in predicted:
        listed.add_row(one["predictions"], one["title"], escape(one["example"]))
    screen.print(listed)
