"""A server and its workspaces as a whole: backups, moves, the trash."""
