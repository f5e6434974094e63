"""MEMORY: Parquet shards in a DuckLake, their snapshots, and what can be asked of them. Knows no video, no torch."""
