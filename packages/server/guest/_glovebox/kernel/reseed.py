"""New randomness after a fork. Every kernel starts as a copy of the zygote, and with it of each
generator's state: left alone, two sandboxes would draw the same numbers.

Instances are found by their type, so that a library's private generator (sympy has one) is not
forgotten. What cannot be changed after a fork, address layout and the hash seed of str, is that of
the zygote, and new with each zygote.
"""

import gc
import multiprocessing
import os
import random
import tempfile
import uuid

_generators: list = []


def find_generators() -> None:
    """In the zygote: remember every generator that exists. SystemRandom has no state."""
    import numpy.random

    legacy = numpy.random.RandomState
    modern = numpy.random.Generator
    _generators[:] = [
        one
        for one in gc.get_objects()
        if isinstance(one, (random.Random, legacy, modern))
        and not isinstance(one, random.SystemRandom)
    ]
    hidden = [random._inst, numpy.random.mtrand._rand]
    _generators.extend(one for one in hidden if not any(one is known for known in _generators))


def reseed() -> None:
    """In the new kernel: give each generator a state of its own."""
    for generator in _generators:
        if hasattr(generator, "bit_generator"):
            fresh = type(generator.bit_generator)()
            generator.bit_generator.state = fresh.state
        elif isinstance(generator, random.Random):
            generator.seed()
        else:
            generator.seed(int.from_bytes(os.urandom(4), "little"))
    uuid._last_timestamp = None
    uuid._node = None
    tempfile._name_sequence = None
    multiprocessing.current_process().authkey = os.urandom(32)
