"""`azureml.pipeline.steps.python_script_step`."""

from lazur.v1.pipeline.steps.scripts import PythonScriptStep

__all__ = ["PythonScriptStep"]
