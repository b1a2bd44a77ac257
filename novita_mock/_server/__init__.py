"""novita-mock's own server: sockets, processes, threads."""
