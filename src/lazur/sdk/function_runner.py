"""What runs a function that is a component, in the job: a program of one text, which needs
nothing but Python."""

from __future__ import annotations

RETURNED = "returned "
"""Goes before the type of an output that the function returns."""

RUNNER = """
import dataclasses, importlib, json, os, shutil, sys
try:
    import lazur
except ImportError:
    def group(made):
        way = dict(kw_only=True) if sys.version_info >= (3, 10) else {}
        return dataclasses.dataclass(**way)(made)
    class Any:
        __path__ = []
        def __init__(self, runs=True): self.runs = runs
        def __getattr__(self, name):
            return group if name == "group" else Any(self.runs and name != "pipeline")
        def __iter__(self): return iter(())
        def __call__(self, *a, **k): return a[0] if self.runs and a and callable(a[0]) else self
    for one in ("", ".dsl", ".parallel", ".sweep"): sys.modules[f"lazur{one}"] = Any()
sys.path.insert(0, ".")
module, name, types, *words = sys.argv[1:]
as_ = {"integer": int, "number": float, "boolean": lambda t: t.lower() == "true"}
types = json.loads(types)
given = {k: as_.get(types[k], str)(v) for k, v in zip(words[::2], words[1::2])}
places = {k: given.pop(k) for k in [*given] if types[k].startswith("returned ")}
try:
    made = getattr(importlib.import_module(module), name)
except BaseException:
    print(f"The file {module}.py is loaded in the job that runs its function {name}. What submits"
          " jobs belongs below: if __name__ == '__main__':", file=sys.stderr)
    raise
made = getattr(made, "__wrapped__", made)(**given)
def is_(value, kind):
    if kind == "boolean": return type(value).__name__ in ("bool", "bool_")
    if isinstance(value, bool): return False
    if kind == "integer": return hasattr(value, "__index__")
    if kind == "number": return hasattr(value, "__float__")
    return isinstance(value, str) or kind != "string" and hasattr(value, "__fspath__")
def keep(value, kind, place):
    if kind == "boolean": value = str(bool(value)).lower()
    elif kind == "integer": value = str(int(value))
    elif kind == "number": value = repr(float(value))
    elif kind != "string":
        if os.path.realpath(value) == os.path.realpath(place): return
        if os.path.isdir(value): shutil.copytree(value, place, dirs_exist_ok=True)
        else: shutil.copy(value, place)
        return
    with open(place, "w", encoding="utf-8") as file: file.write(value)
for key, place in places.items():
    kind = types[key][9:]
    value = getattr(made, key) if hasattr(made, key) else made
    if not is_(value, kind):
        sys.exit(f"{name} of {module}.py returned {value!r} for its output {key}, which is of type"
                 f" {kind}.")
    keep(value, kind, place)
""".strip()
