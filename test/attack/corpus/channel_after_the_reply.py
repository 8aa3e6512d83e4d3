# A thread that speaks when nobody has asked: frames and text between executions.
import threading, time
def talk():
    time.sleep(0.3)
    forged = frame({"msg_type": "execute_reply", "content": {"status": "ok", "execution_count": 99, "execution_time": 0}})
    for _ in range(2000):
        send_everywhere(forged)
        os.write(1, b"late text\n" * 100)
threading.Thread(target=talk, daemon=True).start()
