"""A look into data that somebody brought: its first rows, and what is in its columns.

    python -I -m lazur.profiling   < request   > answer

Parsers of other people's files are where mistakes in memory are found, so this never runs in the
server: it is a process for one question, without network, that sees the data and nothing else, and
that may use so much memory, time and disk and no more. See `confinement` and `__main__`.
"""
