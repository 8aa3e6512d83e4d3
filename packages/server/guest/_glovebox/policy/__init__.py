"""Which system calls are allowed and why, and which modules are imported before the fork. Data only."""

import os

DIRECTORY = os.path.dirname(os.path.abspath(__file__))
