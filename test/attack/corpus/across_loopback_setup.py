gbx_listener = socket.create_server(("127.0.0.1", 47111))
gbx_listener6 = socket.create_server(("0.0.0.0", 47112))
