"""`azureml.data.dataset_consumption_config`: for whoever submits."""

from .._lazur.absent import absent

__getattr__ = absent("azureml.data.dataset_consumption_config")
