"""What must not be: selects that must return no row."""
