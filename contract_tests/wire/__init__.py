"""What goes over the wire: exchanges as they arrived, and their readers."""
