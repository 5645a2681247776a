"""`azureml.data.datapath`: for whoever submits."""

from .._lazur.absent import absent

__getattr__ = absent("azureml.data.datapath")
