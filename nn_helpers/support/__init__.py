"""Argument checks, files, threads and fast matrix products: what the other rooms stand on."""
