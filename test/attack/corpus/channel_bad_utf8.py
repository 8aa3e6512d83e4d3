send_everywhere(frame(b'{"msg_type":"stream","content":{"name":"stdout","text":"\xff\xfe\xed\xa0\x80"}}'))
