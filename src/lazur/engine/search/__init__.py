"""Which values a sweep tries next. Everything here is pure: the same space, seed and history give
the same answer, in whatever process they are asked for."""
