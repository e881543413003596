"""What a city of the seed's scale costs: arithmetic on measured figures, and simulations that check it."""
