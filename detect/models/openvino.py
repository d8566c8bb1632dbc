"""OpenVINO, imported without its telemetry, which would report every import to a host on the internet."""

from __future__ import annotations

import sys
from functools import cache
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


def core() -> Any:
    """Its Core, the same for as long as the process lives. Raises MissingExtra.

    On a processor with AVX-512 or AMX each one gives the thread that makes it another stack for its signals, and puts
    back the one before when it ends. Of several that end in another order than they began, the last leaves a stack
    that is gone: the next signal that Python handles, such as Ctrl-C, would then end the process.
    """
    return _core(openvino())


@cache
def _core(library: Any) -> Any:
    return library.Core()
