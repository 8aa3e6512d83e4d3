# A value that has no string form, where the gateway might make a string of it.
message = b'{"msg_type":"update_display_data","content":{"data":{},"metadata":{},"transient":{"display_id":{"toString":0,"valueOf":0}}}}'
send_everywhere(frame(message))
