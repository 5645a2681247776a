"""Weekly sales of each product in each shop, made up: `python make_data.py [shops] [products]`."""

import csv
import math
import os
import random
import sys

MLTABLE = """\
$schema: https://azuremlschemas.azureedge.net/latest/MLTable.schema.json
type: mltable
paths:
  - file: ./sales.csv
transformations:
  - read_delimited:
      delimiter: ","
      encoding: utf8
      header: all_files_same_headers
"""


def main(shops: int = 10, products: int = 5, weeks: int = 80) -> None:
    seeded = random.Random(1)
    os.makedirs("data", exist_ok=True)
    with open("data/MLTable", "w") as file:
        file.write(MLTABLE)
    with open("data/sales.csv", "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["Shop", "Product", "Week", "Sold"])
        for shop in range(1, shops + 1):
            for product in range(1, products + 1):
                level, swing = seeded.uniform(50, 500), seeded.uniform(0, 0.4)
                for week in range(weeks):
                    season = 1 + swing * math.sin(2 * math.pi * week / 26)
                    sold = level * season * seeded.uniform(0.9, 1.1)
                    rows.writerow([shop, f"p{product}", week, round(sold, 1)])


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
