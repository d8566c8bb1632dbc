"""The sizes that the input of a network may have: pixels of its longer side."""

SMALLEST, LARGEST = 32, 2**15
