"""`azureml.contrib.train`."""
