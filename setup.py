"""Puts the recipes of configs/ into what is built, as detect/recipes/configs; all else stands in setup.cfg."""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithRecipes(build_py):
    """configs/ stays the only copy: an editable installation reads it where it is, a wheel takes it along."""

    def run(self) -> None:
        """Build as usual, then copy the recipes."""
        super().run()
        if not self.editable_mode:
            self.copy_tree("configs", str(Path(self.build_lib, "detect", "recipes", "configs")))


setup(cmdclass={"build_py": BuildWithRecipes})
