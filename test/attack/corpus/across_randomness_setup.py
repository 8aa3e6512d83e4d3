import multiprocessing, random, tempfile, uuid

import numpy

print(
    json.dumps(
        {
            "random": random.random(),
            "numpy": float(numpy.random.rand()),
            "uuid1": str(uuid.uuid1()),
            "uuid4": str(uuid.uuid4()),
            "tempfile": tempfile.mktemp(),
            "authkey": multiprocessing.current_process().authkey.hex(),
            "hostname": socket.gethostname(),
            "secret": __import__("secrets").token_hex(),
        }
    )
)
