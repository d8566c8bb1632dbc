"""`detect models`: the detectors that a recipe can name."""

from __future__ import annotations

import click

from detect.cli import options


@click.command()
@options.quiet
@options.as_json
def models(as_json: bool) -> None:
    """List the detectors that a recipe can name, with their parameters and what one photo costs to learn from.

    The cost is in CPU seconds of one thread, at the size given; it grows with the square of the size.

    \b
    Example:
      detect models
    """
    from detect.models.names import MODELS

    if as_json:
        options.print_json({name: row._asdict() for name, row in MODELS.items()})
        return
    head = ("model", "from", "parameters", "imgsz", "CPU s per photo", "anchors")
    rows = [
        (name, m.library, f"{m.parameters / 1e6:.1f} M", str(m.imgsz), "-" if m.seconds is None else f"{m.seconds:.2f}",
         "yes" if m.anchors else "none")
        for name, m in MODELS.items()
    ]  # fmt: skip
    options.print_table(options.console(), "Detectors", head, rows)
    click.echo("\nEach YOLO also comes in sizes m, l and x, for a GPU.")
