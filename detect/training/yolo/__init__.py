"""Training of YOLO: ultralytics' loop with our data, our files and our validation, in trainer.py."""
