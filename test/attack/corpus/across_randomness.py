# SETUP_OUTPUT is what the first session printed.
import multiprocessing, random, tempfile, uuid

import numpy

other = json.loads(SETUP_OUTPUT)
mine = {
    "random": random.random(),
    "numpy": float(numpy.random.rand()),
    "uuid1": str(uuid.uuid1()),
    "uuid4": str(uuid.uuid4()),
    "tempfile": tempfile.mktemp(),
    "authkey": multiprocessing.current_process().authkey.hex(),
    "hostname": socket.gethostname(),
    "secret": __import__("secrets").token_hex(),
}
same = [name for name in mine if mine[name] == other[name]]
if mine["uuid1"][24:] == other["uuid1"][24:] and mine["uuid1"][19:23] == other["uuid1"][19:23]:
    same.append("uuid1 node and clock sequence")
verdict(not same, same)
