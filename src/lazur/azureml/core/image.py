"""`azureml.core.image`: for whoever submits."""

from .._lazur.absent import absent

__getattr__ = absent("azureml.core.image")
