"""Numbers that processes agree on across languages. `src/config/agreement.ts` holds the same, and a test
compares them with each other and with the scripts that use them.
"""

# Ids inside a sandbox.
USER_ID = 1000
WARDEN_ID = 999

# Each instance has a range of host ids: a slot for each sandbox, in it one id for each of the two inside.
SLOTS = 4096
IDS_PER_SLOT = 2
IDS_PER_INSTANCE = SLOTS * IDS_PER_SLOT

# Of the keeper, for the supervisor: another start would end the same.
EXIT_ISOLATION_UNAVAILABLE = 70
# Of the keeper, for the supervisor: the reason has been said and is no lack of isolation.
EXIT_FOLDERS_REFUSED = 72
# Of a warden, for the keeper: memory ran out where no control group counts it.
EXIT_SOCKET_MEMORY = 12
