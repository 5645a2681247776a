"""MLflow's unmodified client against upstream's own server and against ours: replies, errors and
stored state are compared. `make mlflow-conformance` runs all of it."""
