import multiprocessing, secrets
def draw(_):
    import random, numpy
    return [random.random(), secrets.token_hex(8), numpy.random.default_rng().random()]
with multiprocessing.get_context("fork").Pool(2) as pool:
    drawn = pool.map(draw, range(4))
other = json.loads(SETUP_OUTPUT)
common = {value for row in drawn for value in row} & {value for row in other["drawn"] for value in row}
verdict(not common and multiprocessing.current_process().authkey.hex() != other["authkey"], list(common))
