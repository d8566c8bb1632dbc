"""ultralytics (AGPL-3.0, the extra `yolo`), imported without what it does to a process: the only file that imports it.

No use of the network, no packages installed at run time, no settings shared with others, no patched libraries.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from pathlib import Path

from detect.errors import MissingExtra
from detect.files import NotWritten
from detect.models.isolated_import import isolated_import

_PRIVATE = {
    "YOLO_OFFLINE": "1",  # no look-up of a name server, no check for updates
    "YOLO_AUTOINSTALL": "0",  # no pip at run time
    "YOLO_VERBOSE": "0",
    "ULTRALYTICS_SAFE_LOAD": "1",  # checkpoints: known classes and tensors only
}
try:
    scratch = Path(tempfile.mkdtemp(prefix="damage-detect-"))
except OSError as error:
    raise NotWritten(f"no temporary folder could be made: {error}; make room there, or set TMPDIR") from error
atexit.register(shutil.rmtree, scratch, ignore_errors=True)
try:
    with isolated_import({**_PRIVATE, "YOLO_CONFIG_DIR": str(scratch)}):
        import ultralytics
        from ultralytics import settings
        from ultralytics.cfg import get_cfg
        from ultralytics.data.build import InfiniteDataLoader
        from ultralytics.data.dataset import YOLODataset
        from ultralytics.models.yolo.detect import DetectionTrainer
        from ultralytics.nn.tasks import DetectionModel, torch_safe_load
        from ultralytics.utils.events import events
except ImportError as error:
    raise MissingExtra("ultralytics", "yolo") from error
settings.update({name: False for name in settings if isinstance(settings[name], bool)})
events.enabled = False

MODELS = Path(ultralytics.__file__).parent / "cfg" / "models"

__all__ = [
    "MODELS",
    "DetectionModel",
    "DetectionTrainer",
    "InfiniteDataLoader",
    "YOLODataset",
    "get_cfg",
    "scratch",
    "torch_safe_load",
]
