"""``/v1/repositories``, where the contributors and the catalogue meet. It knows both; neither knows the other."""
