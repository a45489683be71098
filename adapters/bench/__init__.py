"""The benchmark of `hylla bench`: the service's throughput against the machine's limits."""
