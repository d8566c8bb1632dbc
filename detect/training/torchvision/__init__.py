"""Training of Faster R-CNN, RetinaNet and SSD: the loop reads from top to bottom in loop.py."""
