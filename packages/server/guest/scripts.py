"""A question in the form of a script: what the gateway wants to know only now and then, and what
no zygote has to load for it. The script arrives with the question and defines `main(content)`.
"""


def run(shell, source: str, content: dict) -> dict:
    """What `main` returns. It knows the session by IPython's `get_ipython`."""
    names = {"__name__": "glovebox_script"}
    exec(compile(source, "<glovebox>", "exec", dont_inherit=True), names)
    return {"answer": names["main"](content)}
