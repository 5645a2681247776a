"""`azureml.data.abstract_dataset`: importable, and no more."""

from .._lazur.absent import absent

__getattr__ = absent("azureml.data.abstract_dataset")
