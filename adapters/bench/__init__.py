"""What `hylla bench` measures: the shop's work beside what this machine can do at all."""
