"""`azureml.data.data_reference`: for whoever submits."""

from .._lazur.absent import absent

__getattr__ = absent("azureml.data.data_reference")
