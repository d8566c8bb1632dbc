"""Predictions in files: of `detect predict` and of other tools. Reading them (`reader`) loads a third of the room."""
