"""Two kernels forked from one parent draw different numbers, whatever they draw them from."""

import unittest

from tests.support import KernelProcess

SOURCES = {
    "random": "import random\nrandom.getrandbits(64)",
    "numpy.random": "import numpy\nint(numpy.random.randint(0, 2**62))",
    "numpy's default generator": "import numpy\nint(numpy.random.default_rng().integers(0, 2**62))",
    "a numpy generator made before the fork": (
        "import early_generator\nint(early_generator.generator.integers(0, 2**62))"
    ),
    "sympy": "import sympy.core.random\nsympy.core.random.rng.getrandbits(64)",
    "scipy": "import scipy.stats\nfloat(scipy.stats.norm.rvs())",
    "secrets": "import secrets\nsecrets.token_hex()",
    "uuid4": "import uuid\nuuid.uuid4().hex",
    "uuid1": "import uuid\nuuid.uuid1().hex",
    "temporary names": "import tempfile\nnext(tempfile._get_candidate_names())",
    "multiprocessing's key": (
        "import multiprocessing\nbytes(multiprocessing.current_process().authkey).hex()"
    ),
}


class ReseedTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with KernelProcess() as one, KernelProcess() as other:
            cls.drawn = {
                name: (one.run(code), other.run(code)) for name, code in SOURCES.items()
            }
            reseeded = "import random, numpy\nrandom.seed(1); numpy.random.seed(1)\n"
            draw = reseeded + "random.random(), float(numpy.random.random())"
            cls.seeded = (one.run(draw).value, other.run(draw).value)

    def test_two_forks_draw_different_numbers(self):
        for name, (one, other) in self.drawn.items():
            with self.subTest(name):
                self.assertIsNotNone(one.value, one.messages)
                self.assertIsNotNone(other.value, other.messages)
                self.assertNotEqual(one.value, other.value)

    def test_a_seed_that_the_user_sets_gives_the_same_numbers_everywhere(self):
        self.assertEqual(self.seeded[0], self.seeded[1])
        self.assertEqual(self.seeded[0], "(0.13436424411240122, 0.417022004702574)")


if __name__ == "__main__":
    unittest.main()
