"""The parts of long lessons: a folder per lesson, a module per part, each a function that draws it."""
