"""From photos annotated in LabelImg or CVAT to a damage detector you can trust."""

__version__ = "0.1.0"
