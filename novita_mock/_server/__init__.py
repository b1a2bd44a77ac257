"""The kit's own server: sockets, processes, threads."""
