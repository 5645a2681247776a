"""`azureml.core.keyvault`: importable, and no more."""

from lazur.v1.told import absent

__getattr__ = absent("azureml.core.keyvault")
