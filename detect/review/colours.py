"""Colours that say what a box is, the same in the App and in the pages."""

GREEN, LIGHT_GREEN, MAGENTA, YELLOW, GREY = "#1b9e3e", "#66e08a", "#ff2fd0", "#ffd400", "#9e9e9e"
LIGHT_BLUE, ORANGE = "#4cc3ff", "#ff7a1a"
MODELS = ((LIGHT_GREEN, MAGENTA), (LIGHT_BLUE, ORANGE))  # a right and a false prediction, of the first model and others
WORDS = ("light green right, magenta false", "light blue right, orange false")  # the same, to be read
LEGEND = (  # colour, dashed, meaning
    (GREEN, False, "true box, found"),
    (YELLOW, False, "true box, missed"),
    (LIGHT_GREEN, True, "prediction, right"),
    (MAGENTA, True, "prediction, false"),
)
