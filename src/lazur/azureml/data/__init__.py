"""`azureml.data`."""

from .._lazur.absent import absent
from .._lazur.delimited import DataType as DataType
from .file_dataset import FileDataset as FileDataset
from .tabular_dataset import TabularDataset as TabularDataset

__getattr__ = absent("azureml.data")
