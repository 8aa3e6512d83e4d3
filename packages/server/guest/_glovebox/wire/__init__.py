"""What two processes must agree on. Standard library only."""
