"""What goes over the wire: exchanges as they came, and how they are read."""
