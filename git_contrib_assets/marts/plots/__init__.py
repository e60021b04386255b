"""What the plots on the marts' pages show: selects of a number per month."""
