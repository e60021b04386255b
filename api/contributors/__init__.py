"""The subject of new contributors: its routes, parameters, models and selects."""
