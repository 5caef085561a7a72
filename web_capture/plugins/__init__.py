"""What a shop installs so that its pages, carts and orders reach the hub: sources, and downloads of them."""
