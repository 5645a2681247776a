"""Imports a package that the job's environment does not have."""

import matplotlib.pyplot as plt

plt.plot([1, 2, 3])
plt.savefig("outputs/line.png")
