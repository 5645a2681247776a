"""`azureml.data.azure_sql_database_datastore`: importable, and no more."""

from .._lazur.absent import absent

__getattr__ = absent("azureml.data.azure_sql_database_datastore")
