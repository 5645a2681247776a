"""`azureml.train.estimator`: for whoever submits."""

from .._lazur.absent import absent

__getattr__ = absent("azureml.train.estimator")
