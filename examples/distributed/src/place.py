"""What torch.distributed.init_process_group() reads, without torch."""

import os

names = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "NODE_RANK", "MASTER_ADDR", "MASTER_PORT")
print(" ".join(f"{name}={os.environ[name]}" for name in names), flush=True)
