"""Colours that say what a box is, the same in the App and in the pages."""

GREEN, LIGHT_GREEN, MAGENTA, YELLOW, GREY = "#1b9e3e", "#66e08a", "#ff2fd0", "#ffd400", "#9e9e9e"
LEGEND = (  # colour, dashed, meaning
    (GREEN, False, "true box, found"),
    (YELLOW, False, "true box, missed"),
    (LIGHT_GREEN, True, "prediction, right"),
    (MAGENTA, True, "prediction, false"),
)
