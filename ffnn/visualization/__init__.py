"""Pictures of networks and of their training; the home of matplotlib."""
