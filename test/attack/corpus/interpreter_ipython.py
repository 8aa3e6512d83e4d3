shell = get_ipython()
shell.run_cell = shell.run_cell_async = lambda *a, **k: None
shell.showtraceback = shell.display_formatter = shell.display_pub = shell.displayhook = None
shell.events.callbacks.clear()
shell.user_ns = None
type(shell).run_cell = None
