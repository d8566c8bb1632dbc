"""The folder that FiftyOne's App loads as a plugin: fiftyone.yml lists the operators, keys.js binds keys to them."""

from detect.review.fiftyone.operators import register

__all__ = ["register"]
