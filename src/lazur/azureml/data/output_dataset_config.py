"""`azureml.data.output_dataset_config`: for whoever submits."""

from .._lazur.absent import absent

__getattr__ = absent("azureml.data.output_dataset_config")
