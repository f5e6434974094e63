"""JOURNEY: one module per stage, pure functions; ``tasks.table`` lists them in order."""
