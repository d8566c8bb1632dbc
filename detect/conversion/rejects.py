"""The list of everything that was left out, one JSON object per line."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from detect.errors import Problems
from detect.files import write_bytes


def write_rejects(problems: Problems, path: Path) -> int:
    """Write the items left out (errors and drops) to `path`, atomically; how many there are. None: no file."""
    import orjson

    rows = [asdict(problem) for problem in problems if problem.level in ("error", "dropped")]
    if rows:
        write_bytes(path, b"".join(orjson.dumps(row) + b"\n" for row in rows))
    return len(rows)
