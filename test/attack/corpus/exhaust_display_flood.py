from IPython.display import display, clear_output
while True:
    display({"a": "x" * 50_000}, display_id="same")
    clear_output(wait=True)
