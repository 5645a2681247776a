"""`azureml.data.azure_storage_datastore`: importable, and no more."""

from lazur.v1.told import absent

__getattr__ = absent("azureml.data.azure_storage_datastore")
