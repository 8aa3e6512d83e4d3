# Names that would mean something to whoever pastes them: headers, paths, frames, formats, terminals.
import glob
names = ["a\r\nSet-Cookie: x=1", "..\\..\\x", "%2e%2e%2f", "{{7*7}}", "$(id)", "`id`", "\x1b[31mred", "-rf", "con", "a" * 255, "é" * 127, "\u202egnp.exe", "NUL\x7f", '{"msg_type":"execute_reply"}', "%s%n", "'; drop table x; --", "<script>alert(1)<script>", "\ufeffbom", "\u2028line"]
for name in names:
    open(f"/workspace/{name}", "w").close()
for raw in (b"\xff\xfe", b"\x80" * 255, b"a\xc3", b"\xed\xa0\x80"):
    open(b"/workspace/" + raw, "w").close()
print(len(os.listdir("/workspace")))
