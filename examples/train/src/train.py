"""Fits a random forest on measurements of flowers, and keeps the model with its accuracy."""

import argparse
import csv
import json
from pathlib import Path

import joblib
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split

parser = argparse.ArgumentParser()
parser.add_argument("--data", type=Path, required=True)
parser.add_argument("--trees", type=int, default=50)
parser.add_argument("--model", type=Path, required=True)
arguments = parser.parse_args()

with arguments.data.open(newline="") as file:
    rows = list(csv.DictReader(file))
features = [[float(row["length"]), float(row["width"])] for row in rows]
species = [row["species"] for row in rows]
known, held_out, known_species, held_out_species = train_test_split(
    features, species, test_size=0.3, random_state=1, stratify=species
)

model = RandomForestClassifier(arguments.trees, random_state=1)
model.fit(known, known_species)
accuracy = model.score(held_out, held_out_species)
print(f"accuracy on {len(held_out)} held-out flowers: {accuracy:.3f}")

joblib.dump(model, arguments.model / "model.joblib")
(arguments.model / "metrics.json").write_text(json.dumps({"accuracy": accuracy}))
