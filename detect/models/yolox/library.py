"""The networks of pixeltable-yolox (Apache-2.0, the extra `yolox`): the only file that imports it."""

from __future__ import annotations

from detect.errors import MissingExtra

try:
    from loguru import logger
    from yolox.models import YoloPafpn, YoloxHead
except ImportError as error:
    raise MissingExtra("pixeltable-yolox", "yolox") from error
logger.disable("yolox")  # it would write to stderr

__all__ = ["YoloPafpn", "YoloxHead"]
