"""Where things are on a car: the places that a damage can have, as outlines in each view."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from detect.sample import ends, front, rear, side
from detect.sample.cars import Body
from detect.sample.outlines import Points, arc, ellipse, mirrored, polygon, rounded

VIEWS = ("front", "left", "rear", "right")


@lru_cache(maxsize=256)
def parts(body: Body, view: str) -> dict[str, Points]:
    """The outlines of all places to be seen in a view, by name. Side views are in the left side's coordinates."""
    if view == "front":
        return _front(body)
    if view == "rear":
        return _rear(body)
    return _side(body, view)


def outline(body: Body, view: str) -> Points:
    """The car's silhouette in a view, without wheels and mirrors."""
    if view == "front":
        return front.outline(body)
    return rear.outline(body) if view == "rear" else body.outline()


def centre(body: Body, view: str) -> float:
    """The x of the car's middle in a view's coordinates, metres."""
    return body.length / 2 if view in ("left", "right") else 0.0


def extent(body: Body, view: str) -> float:
    """How wide the car is in a view, metres."""
    return body.length if view in ("left", "right") else body.width + 0.24


def _front(body: Body) -> dict[str, Points]:
    w, c, nose = body.width / 2, body.clearance, body.nose
    bumper = rounded([(w * 0.88, c + 0.08, 0.1), (w * 0.96, 0.5, 0.2), (w * 0.93, nose - 0.20, 0.05)])
    lamp = front.lamp(body)
    return {
        "front bumper": np.vstack([bumper, mirrored(bumper)[::-1]]),
        "hood": front.hood(body),
        "windshield": front.windshield(body),
        "left headlamp": lamp,
        "right headlamp": mirrored(lamp),
        "front left wheel": ends.tyre(body, 1),
        "front right wheel": ends.tyre(body, -1),
    }


def _rear(body: Body) -> dict[str, Points]:
    w, c = body.width / 2, body.clearance
    bumper = rounded([(w * 0.88, c + 0.10, 0.1), (w * 0.96, 0.5, 0.1), (w * 0.96, 0.62, 0.03)])
    lamp = rear.lamp(body)
    return {
        "rear bumper": np.vstack([bumper, mirrored(bumper)[::-1]]),
        "trunk lid" if body.name == "sedan" else "tailgate": rear.tailgate(body),
        "rear window": rear.window(body),
        "left tail lamp": mirrored(lamp),
        "right tail lamp": lamp,
        "rear left wheel": ends.tyre(body, -1),
        "rear right wheel": ends.tyre(body, 1),
    }


def _side(body: Body, at: str) -> dict[str, Points]:
    doors, panes, lamps = side.doors(body), side.windows(body), side.lamps(body)
    cowl_x, cowl_y = body.cowl
    hub, over = body.radius, body.radius + (0.13 if body.cladding else 0.075)
    fender = np.vstack(
        [
            polygon(
                (0.66, body.nose - 0.06),
                (cowl_x * 0.8, cowl_y - 0.15),
                (cowl_x + 0.13, cowl_y - 0.10),
                (cowl_x + 0.14, 0.42),
            ),
            arc(body.front, hub, over, 8, 150),
        ]
    )
    last = float(doors["rear"][:, 0].max())
    quarter = np.vstack(
        [
            polygon(
                (last + 0.02, body.belt[1] - 0.03),
                (body.tail[0] - 0.05, body.belt[1] - 0.06),
                (body.length - 0.40, 0.66),
            ),
            arc(body.rear, hub, over, 15, 115),
        ]
    )
    return {
        f"{at} front door": doors["front"],
        f"{at} rear door": doors["rear"],
        f"{at} front fender": fender,
        f"{at} rear fender": quarter,
        f"{at} front window": panes["front"],
        f"{at} rear window": panes["rear"],
        f"{at} headlamp": lamps["head"],
        f"{at} tail lamp": lamps["tail"],
        f"front {at} wheel": ellipse(body.front, hub, hub),
        f"rear {at} wheel": ellipse(body.rear, hub, hub),
    }
