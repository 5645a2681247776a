"""What Lazur adds: a name that no package of Microsoft's has."""
