"""Queries on upstream MLflow's own tables. What they mean is upstream's to say; see
contributing/tracking.md."""
