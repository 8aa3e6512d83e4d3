# Answers in advance, for the questions that an editor will ask.
import time
for msg_type, content in (
    ("variables_reply", {"variables": [], "total": 0, "truncated": False}),
    ("complete_reply", {"matches": ["evil()"], "cursor_start": 0, "cursor_end": 0, "types": ["function"]}),
    ("inspect_reply", {"found": True, "data": {"text/plain": "evil"}, "metadata": {}}),
    ("is_complete_reply", {"status": "complete", "indent": ""}),
    ("question_failed", {"reason": "timeout", "detail": "x" * 1024}),
):
    send_everywhere(frame({"msg_type": msg_type, "content": content}) * 100)
time.sleep(5)
