"""What is shown beside a value, a figure or a table, as data. Runs in the kernel."""
