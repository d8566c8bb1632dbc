"""Training of YOLOX: its losses, its mosaics, and what method.py gives to the loop."""
