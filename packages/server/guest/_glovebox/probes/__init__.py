"""Programs that the gateway sends into sandboxes as text; no process of ours loads them."""
