# Very many MIME types, display ids and metadata keys in one message.
for kind in ("data", "metadata", "transient"):
    content = {"data": {}, "metadata": {}, "transient": {}}
    content[kind] = {f"k{number}": "" for number in range(5000)}
    send_everywhere(frame({"msg_type": "display_data", "content": content}))
