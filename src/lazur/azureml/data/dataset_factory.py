"""`azureml.data.dataset_factory`."""

from .._lazur.delimited import DataType
from ..core.dataset import Dataset

__all__ = ["DataType", "FileDatasetFactory", "TabularDatasetFactory"]
TabularDatasetFactory = Dataset.Tabular
FileDatasetFactory = Dataset.File
