# Children of the session, by multiprocessing and by os.fork.
import concurrent.futures, multiprocessing, secrets
def gbx_draw(_):
    import random, numpy
    return [random.random(), secrets.token_hex(8), numpy.random.default_rng().random()]
with multiprocessing.get_context("fork").Pool(2) as pool:
    gbx_drawn = pool.map(gbx_draw, range(4))
print(json.dumps({"drawn": gbx_drawn, "authkey": multiprocessing.current_process().authkey.hex()}))
