outcomes = {port: outcome(lambda port=port: socket.create_connection(("127.0.0.1", port), 1)) for port in (47111, 47112, GATEWAY_PORT)}
verdict("ok" not in outcomes.values(), outcomes)
