"""`azureml.mlflow`: MLflow speaks with Lazur by itself, so there is nothing to plug in."""
