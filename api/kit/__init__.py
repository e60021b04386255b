"""What every subject of the API is built with. It knows none of them."""
