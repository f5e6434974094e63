"""What a person sees of a run in the Prefect UI: tables, pictures and links, left as artifacts with stable keys.

Texts and rows are made by plain functions out of records; only ``flows.artifacts.shelf`` talks to the server. What
cannot be shown (a source that is gone) is said in the artifact; a server that is away raises.
"""
