"""What the consortium's order costs: nine nodes as processes, and a chain that is caught up with."""
