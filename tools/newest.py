"""Run the tests with the newest version of everything: python tools/newest.py [EXTRA ...].

The upper bounds of setup.cfg that guard against changes in private parts of a library are lifted: tests that pass say
that those bounds can be raised. opencv 5 stays out, because two of the libraries need 4.
"""

from __future__ import annotations

import sys
import tempfile
from configparser import ConfigParser

from lowest import ROOT, main

KEPT = ("opencv",)


def lifted() -> list[str]:
    """The requirements of setup.cfg that have an upper bound, without it."""
    config = ConfigParser()
    config.read(ROOT / "setup.cfg")
    texts = [config["options"]["install_requires"], *config["options.extras_require"].values()]
    bounded = [line for text in texts for line in text.splitlines() if ", <" in line and not line.startswith(KEPT)]
    return [line.partition(", <")[0] for line in bounded]


if __name__ == "__main__":
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as overrides:
        overrides.write("\n".join(lifted()))
        overrides.flush()
        sys.exit(main(sys.argv[1:], "--override", overrides.name))
