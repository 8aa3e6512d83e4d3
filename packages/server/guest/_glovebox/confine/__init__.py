"""What a sandbox is asked to be and the steps that confine its processes. Standard library only."""
