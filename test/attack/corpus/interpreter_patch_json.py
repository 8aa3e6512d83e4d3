import json.encoder

json.dumps = json.loads = lambda *a, **k: (_ for _ in ()).throw(RuntimeError("patched"))
json.JSONEncoder.encode = lambda *a, **k: "{]"
json.encoder.encode_basestring_ascii = json.encoder.c_make_encoder = None
json.JSONDecoder.decode = lambda *a, **k: None
