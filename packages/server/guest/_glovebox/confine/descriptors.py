"""Descriptors of a forked child under numbers of its own.

A keeper of a thousand sandboxes holds thousands of descriptors, and what it makes for one more gets high numbers.
Some calls of Linux and libraries of C know none beyond 1023, and a sandbox could read off a number
how many others there are.
"""

import os
import socket
from typing import Sequence


def lowered(descriptors: Sequence[int], first: int) -> list[int]:
    """Move them to `first` and the numbers behind it, in the order of what they were, and close whatever had
    those. In a child only, as it takes descriptors from under the objects of the parent. None of
    them may be below `first`; a program that is executed does not get them. Returns the new numbers
    in the order of the argument."""
    moved: dict[int, int] = {}
    # Each goes to a number that is no higher, so it lies on none that is still to be moved.
    for descriptor in sorted(set(descriptors)):
        target = first + len(moved)
        if descriptor < target:
            raise ValueError(f"descriptor {descriptor} is below {first}")
        if descriptor != target:
            os.dup2(descriptor, target, inheritable=False)
        moved[descriptor] = target
    return [moved[descriptor] for descriptor in descriptors]


def adopted(connection: socket.socket, descriptor: int) -> socket.socket:
    """The same connection as an object that has `descriptor` and closes nothing else."""
    connection.detach()
    return socket.socket(fileno=descriptor)
