"""What the job's expressions and variables stand for, filled as inputs and outputs get their
places."""

from __future__ import annotations

from lazur.runtime.command import Value
from lazur.runtime.plan import Plan


class Values:
    def __init__(self, plan: Plan) -> None:
        self.variables: dict[str, str] = {}
        """AZUREML_PARAMETER_x, AZURE_ML_INPUT_x, AZURE_ML_OUTPUT_x."""
        self._known = {name: Value(text, splits=True) for name, text in plan.values.items()}
        for name, text in plan.values.items():
            if name.startswith("inputs."):
                self.variables["AZUREML_PARAMETER_" + _variable(name[7:])] = text

    def add_input(self, name: str, text: str, is_path: bool) -> None:
        self._known["inputs." + name] = Value(text, splits=not is_path)
        self.variables["AZURE_ML_INPUT_" + _variable(name)] = text

    def add_output(self, name: str, text: str, is_path: bool) -> None:
        self._known["outputs." + name] = Value(text, splits=not is_path)
        self.variables["AZURE_ML_OUTPUT_" + _variable(name)] = text

    def find(self, expression: str) -> Value | None:
        return self._known.get(expression)


def _variable(name: str) -> str:
    """A group's member `a.b` is `a_b`: shells know no dots in names."""
    return name.replace(".", "_")
