"""What all subjects of the API are built with. It imports none of them."""
