# Answers that nobody waits for, without end: what ends an execution also ends the counting of its bytes.
import threading, time
forged = frame({"msg_type": "execute_reply", "content": {"status": "ok", "execution_count": 99, "execution_time": 0}})
def talk():
    time.sleep(0.3)
    while True:
        send_everywhere(forged * 500)
threading.Thread(target=talk, daemon=True).start()
