"""One thin servicer for each service of the contract: translate in, call one use case, translate out."""
