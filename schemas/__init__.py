"""WORDS: the records that travel down the pipeline, their units, and the warehouse's tables."""
