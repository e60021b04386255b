"""The subject of the catalogue: repositories and owners as they are listed, the public ones and all of them."""
