"""azureml-core's names over Lazur: scripts of Azure Machine Learning v1 submit ordinary jobs.

from lazur.v1.core import Experiment, ScriptRunConfig, Workspace
"""
