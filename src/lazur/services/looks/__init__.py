"""Looks into data: its first rows, and what is in its columns.

`questions` finds out which data is meant and whether one may, `material` brings it, `process` is
the process that looks (`lazur.profiling`), and `desk` has few of them at a time and keeps answers.
"""
