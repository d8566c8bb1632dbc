"""Training of Faster R-CNN, RetinaNet and SSD: what method.py gives to the loop."""
