"""`azureml.data.azure_storage_datastore`: importable, and no more."""

from .._lazur.absent import absent

__getattr__ = absent("azureml.data.azure_storage_datastore")
