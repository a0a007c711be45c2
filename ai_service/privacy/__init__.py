"""What is personal in a text: hidden from whoever is asked outside of this machine, and put back in the answer."""
