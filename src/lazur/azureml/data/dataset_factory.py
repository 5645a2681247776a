"""`azureml.data.dataset_factory`."""

from ..core.dataset import Dataset

TabularDatasetFactory = Dataset.Tabular
FileDatasetFactory = Dataset.File
