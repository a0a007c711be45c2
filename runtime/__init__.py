"""What every process shares, and the command line."""
