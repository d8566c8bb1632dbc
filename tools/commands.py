"""Write docs/commands.md, the reference of every command, from `--help`: python tools/commands.py."""

from __future__ import annotations

from pathlib import Path

import click

from detect.cli import COMMANDS, main
from detect.files import write_text

TARGET = Path(__file__).resolve().parents[1] / "docs" / "commands.md"

WIDTH = 96


def reference() -> str:
    """The whole page."""
    parts = ["# Commands\n\nMade from `--help` by `python tools/commands.py`.\n"]
    for name in COMMANDS:
        parent = click.Context(main, info_name="detect", **main.context_settings)
        command = main.get_command(parent, name)
        if command is None:
            raise SystemExit(f"{name}: no such command")
        context = click.Context(command, parent=parent, info_name=name, terminal_width=WIDTH)
        parts.append(f"## {name.capitalize()}\n\n```\n{command.get_help(context).rstrip()}\n```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    write_text(TARGET, reference())
