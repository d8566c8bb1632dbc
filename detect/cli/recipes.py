"""`detect recipes`: the recipes that come with the package."""

from __future__ import annotations

import click

from detect.cli import options


@click.command()
@click.argument("name", required=False)
@options.as_json
@options.quiet
def recipes(name: str | None, as_json: bool) -> None:
    """List the recipes that `detect train` takes by name: purpose, time and score. With NAME, print that file.

    \b
    Example:
      detect recipes
      detect recipes yolo11n > mine.yaml
    """
    from detect.recipes import find_recipe, read_opening, recipe_files

    if name is not None and not as_json:
        click.echo(find_recipe(name).read_bytes(), nl=False)
        return
    files = recipe_files().values() if name is None else [find_recipe(name)]
    openings = [read_opening(path) for path in files]
    if as_json:
        options.print_json([opening._asdict() for opening in openings])
        return
    from rich import box
    from rich.table import Table

    table = Table("recipe", "purpose", "time", "score", box=box.SIMPLE_HEAD, padding=(0, 2, 1, 0))
    for opening in openings:
        table.add_row(*opening)
    options.console().print(table)
