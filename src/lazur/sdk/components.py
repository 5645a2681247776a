"""Components that are registered: called within a pipeline's function, they are steps."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from lazur.sdk.assets import Assets
from lazur.sdk.entities import Component
from lazur.sdk.views import Asset


class RegisteredComponent(Asset):
    """`client.components.get("train")` gives one; called, it is what one from a file is."""

    def __call__(self, **inputs: Any) -> Any:
        data = self.to_dict()
        fields = {key: data.get(key) for key in ("name", "type", "inputs", "outputs")}
        named = f"azureml:{self.name}:{self.version}"
        address = self.id if self.id.startswith("azureml:") else named
        return _Registered(**fields, address=address)(**inputs)


class _Registered(Component):
    """Its steps name it, and do not repeat it."""

    def __init__(self, *, address: str, **fields: Any) -> None:
        super().__init__(**fields)
        self._address = address

    def reference(self) -> Any:
        return self._address


class Components(Assets):
    _view = RegisteredComponent

    def create_or_update(self, entity: Any, **more: Any) -> Asset:
        """As of other assets; of a function under `@lazur.pipeline`, what it is as a component."""
        if inspect.isfunction(entity):
            made = getattr(entity, "component", None)
            entity = made() if made else entity
        return super().create_or_update(entity, **more)

    if TYPE_CHECKING:

        def get(self, *args: Any, **which: Any) -> RegisteredComponent: ...
