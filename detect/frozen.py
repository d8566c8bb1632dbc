"""A dict that cannot be changed."""

from __future__ import annotations

from typing import Any, NoReturn, Self, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Frozen(dict[K, V]):
    """A dict that cannot be changed, hence hashable and safe to share."""

    __slots__ = ()

    REMEDY = "make another, such as {**old, key: value}"

    def _frozen(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError(f"{type(self).__name__.lower()} cannot be changed; {self.REMEDY}")

    __setitem__ = __delitem__ = __ior__ = _frozen
    clear = pop = popitem = setdefault = update = _frozen

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))

    def __reduce__(self) -> tuple[type[Self], tuple[dict[K, V]]]:
        return type(self), (dict(self),)
