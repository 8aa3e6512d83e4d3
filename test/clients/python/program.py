"""What somebody would write with the client that openapi-python-client has made. It is checked, and run."""

import sys

from glovebox_client import AuthenticatedClient
from glovebox_client.api.execute import execute, execute_batch
from glovebox_client.api.files import list_files, read_file, write_file
from glovebox_client.api.sessions import (
    create_session,
    get_session,
    keep_session_alive,
    release_session,
)
from glovebox_client.models import (
    BatchItem,
    BatchRequest,
    BatchResult,
    ErrorAnswer,
    ErrorOutput,
    ExecuteRequest,
    ExecutionResult,
    ExecutionStatus,
    FileList,
    FileType,
    KeepAliveRequest,
    ReleaseByUserUuid,
    ReleaseResult,
    SessionInfo,
    StreamOutput,
    WrittenFile,
)
from glovebox_client.types import File
from io import BytesIO

_, base_url, token = sys.argv
client = AuthenticatedClient(
    base_url=base_url, token=token, prefix="", auth_header_name="X-Auth-Token"
)

result = execute.sync(client=client, body=ExecuteRequest(code="print(6 * 7)"))
assert isinstance(result, ExecutionResult), result
assert result.status == ExecutionStatus.OK
assert result.stdout == "42\n"
assert result.usage.wall_time > 0
[output] = result.outputs
assert isinstance(output, StreamOutput) and output.text == "42\n"

batch = execute_batch.sync(
    client=client, body=BatchRequest(items=[BatchItem(code="1 / 0", id="one")])
)
assert isinstance(batch, BatchResult), batch
[item] = batch.results
assert item.id == "one" and item.result is not None
assert isinstance(item.result.outputs[-1], ErrorOutput)

session = create_session.sync(client=client)
assert isinstance(session, SessionInfo), session
name = session.session_id
alive = keep_session_alive.sync(name, client=client, body=KeepAliveRequest(ttl=60))
assert isinstance(alive, SessionInfo) and alive.ttl == 60

content = b"a,b\n1,2\n"
written = write_file.sync(name, "in.csv", client=client, body=File(payload=BytesIO(content)))
assert isinstance(written, WrittenFile) and written.size == len(content)
files = list_files.sync(name, client=client, recursive=True)
assert isinstance(files, FileList), files
assert [(entry.path, entry.type_) for entry in files.entries] == [("in.csv", FileType.FILE)]
read = read_file.sync(name, "in.csv", client=client)
assert isinstance(read, File) and read.payload.read() == content

missing = get_session.sync("nobody", client=client)
assert isinstance(missing, ErrorAnswer) and missing.error.code == "SESSION_NOT_FOUND"
released = release_session.sync(client=client, body=ReleaseByUserUuid(user_uuid=name))
assert isinstance(released, ReleaseResult), released
