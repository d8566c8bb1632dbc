"""OpenVINO, imported without its telemetry, which would report every import to a host on the internet."""

from __future__ import annotations

import sys
from typing import Any

from detect.errors import MissingExtra

_TELEMETRY = "openvino_telemetry"


def openvino() -> Any:
    """The package. Where its telemetry cannot be imported it uses a stub of its own. Raises MissingExtra."""
    before = sys.modules.get(_TELEMETRY)
    sys.modules[_TELEMETRY] = None  # type: ignore[assignment]
    try:
        import openvino
    except ImportError:
        raise MissingExtra("openvino", "export") from None
    finally:
        del sys.modules[_TELEMETRY]
        if before is not None:
            sys.modules[_TELEMETRY] = before
    return openvino
