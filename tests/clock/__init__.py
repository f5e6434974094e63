"""Files with every odd clock there is, whose pictures and clicks tell when they were meant to be presented."""
