"""`azureml.data.abstract_dataset`: importable, and no more."""

from lazur.v1.told import absent

__getattr__ = absent("azureml.data.abstract_dataset")
