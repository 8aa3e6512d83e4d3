"""What the child that becomes a warden has of what is open for its sandbox."""

import socket
from dataclasses import dataclass

from _glovebox.confine.descriptors import adopted, lowered
from _glovebox.confine.folders import Mounts

# Behind the standard ones.
_FIRST_DESCRIPTOR = 3


@dataclass(frozen=True)
class WardenEnds:
    """Made by the keeper, and used by the child."""

    control: socket.socket  # The warden's own connection to the gateway.
    connection: socket.socket  # The kernel's.
    lock: int
    pipes: dict[str, int]  # Read ends, by the names of the streams.
    report: socket.socket
    mounts: Mounts

    @property
    def descriptors(self) -> frozenset[int]:
        """Everything that the steps must leave open."""
        channels = (self.control, self.connection, self.report)
        mounts = (mount for mount, _ in self.mounts)
        return frozenset(
            [*(channel.fileno() for channel in channels), self.lock, *self.pipes.values(), *mounts]
        )


    def with_low_numbers(self) -> "WardenEnds":
        """In the child: the same under the lowest numbers there are, whatever the keeper holds."""
        names = list(self.pipes)
        mounts = [mount for mount, _ in self.mounts]
        channels = (self.control, self.connection, self.report)
        numbers = [channel.fileno() for channel in channels]
        given = lowered([*numbers, self.lock, *self.pipes.values(), *mounts], _FIRST_DESCRIPTOR)
        control, connection, report = map(adopted, channels, given)
        rest = given[len(channels) :]
        return WardenEnds(
            control=control,
            connection=connection,
            lock=rest[0],
            pipes=dict(zip(names, rest[1:])),
            report=report,
            mounts=[
                (mount, target)
                for mount, (_, target) in zip(rest[1 + len(names) :], self.mounts)
            ],
        )
