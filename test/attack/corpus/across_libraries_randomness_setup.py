# Draws from every generator that a library may have made before the fork.
import hashlib, random, ssl, tempfile, uuid
import numpy, scipy.stats, sklearn.utils, pandas, sympy
import numpy.random
print(json.dumps({
    "numpy legacy": numpy.random.bytes(16).hex(),
    "numpy default_rng": numpy.random.default_rng().bytes(16).hex(),
    "numpy seed sequence": str(numpy.random.SeedSequence().entropy),
    "scipy": scipy.stats.norm.rvs(size=3).tolist(),
    "sklearn": sklearn.utils.check_random_state(None).random_sample(3).tolist(),
    "pandas": pandas.Series(range(10_000)).sample(5).tolist(),
    "sympy": sympy.core.random.rng.random(),
    "ssl": ssl.RAND_bytes(16).hex(),
    "system": random.SystemRandom().random(),
    "urandom": os.urandom(16).hex(),
    "shuffle": (lambda a: (random.shuffle(a), a)[1])(list(range(200)))[:9],
    "uuids": [str(uuid.uuid1()), str(uuid.uuid4())],
    "temporary": [tempfile.mkdtemp(), next(tempfile._get_candidate_names())],
    "Random()": random.Random().random(),
}))
