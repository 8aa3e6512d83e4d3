# A traceback of very many frames and chained exceptions, each with a huge text.
failure = None
for number in range(3000):
    try:
        raise ValueError("x" * 10_000) from failure
    except ValueError as caught:
        failure = caught
raise failure
