"""Needs nothing but Python."""

import argparse
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("--name", default="world")
parser.add_argument("--into", type=Path, required=True)
arguments = parser.parse_args()

greeting = f"Hello, {arguments.name}!"
print(greeting)
(arguments.into / "greeting.txt").write_text(greeting + "\n")
