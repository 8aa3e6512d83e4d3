"""Libraries that would ask a Jupyter front end for widgets, told to do with text."""


def settle() -> None:
    """In the zygote, once. A library that the root file system lacks needs no telling."""
    try:
        import tqdm.notebook
        from tqdm.std import tqdm as bar
        from tqdm.std import trange
    except ImportError:
        return
    # Without widgets these raise; code that was written for a notebook gets the bar of a terminal.
    tqdm.notebook.tqdm = tqdm.notebook.tqdm_notebook = bar
    tqdm.notebook.trange = tqdm.notebook.tnrange = trange
