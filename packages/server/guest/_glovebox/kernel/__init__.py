"""The process that runs user code, and all that it does around a cell. Trusted with nothing."""
