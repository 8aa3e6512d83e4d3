# A child that writes to the connection while its parent does.
from IPython.display import display
forged = frame({"msg_type": "display_data", "content": {"data": {"text/plain": "child"}, "metadata": {}, "transient": {}}})
if os.fork() == 0:
    while True:
        send_everywhere(forged[:7])
for number in range(2000):
    display(number)
