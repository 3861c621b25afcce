"""How a training grows with the number of ranks: a model of a step's time, and simulations."""
