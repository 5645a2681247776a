"""`azureml.data.dataset_factory`."""

from lazur.v1.core.dataset import Dataset

TabularDatasetFactory = Dataset.Tabular
FileDatasetFactory = Dataset.File
