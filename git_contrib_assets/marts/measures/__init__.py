"""Counts shown with a check's result, so that a passing check says how many rows it covered; why old months changed."""
