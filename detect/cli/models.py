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
    from detect.models.families import models as known

    if as_json:
        options.print_json(
            {
                name: {"library": family.library, **variant._asdict(), "anchors": family.has_anchors}
                for name, (family, variant) in known().items()
            }
        )
        return
    head = ("model", "from", "parameters", "imgsz", "CPU s per photo", "anchors")
    rows = [
        (
            name,
            family.library,
            f"{variant.parameters / 1e6:.1f} M",
            str(variant.imgsz),
            "-" if variant.seconds is None else f"{variant.seconds:.2f}",
            "yes" if family.has_anchors else "none",
        )
        for name, (family, variant) in known().items()
    ]
    options.print_table(options.console(), "Detectors", head, rows)
    click.echo("\nEach YOLO also comes in sizes m, l and x, for a GPU.")
