"""Selects that must return no row."""
