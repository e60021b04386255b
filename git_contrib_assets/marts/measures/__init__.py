"""What the checks counted, one row for each table, so that a passed check says of how much; and why old months changed."""
