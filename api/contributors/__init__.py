"""The new contributors: their routes, parameters, models and selects."""
