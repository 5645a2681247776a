"""`azureml.pipeline`: steps and their data, as pipelines of ours."""
