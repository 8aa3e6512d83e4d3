# Few bytes that take a parser long: keys that are all different, and containers.
body = b'{"msg_type":"display_data","content":{"data":{"a":{' + b",".join(b'"k%d":[]' % number for number in range(90_000)) + b'}},"metadata":{},"transient":{}}}'
send_everywhere(frame(body))
import time
time.sleep(5)
