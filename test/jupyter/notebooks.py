"""nbclient and papermill with kernels of this server, by jupyter_server's own kernel manager for gateways."""

import os
import pathlib
import sys
import tempfile
import threading

import nbformat
import websocket
from jupyter_client import AsyncKernelClient
from jupyter_core.utils import ensure_async
from jupyter_server.gateway.gateway_client import GatewayClient
from jupyter_server.gateway.managers import GatewayKernelClient, GatewayKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError


class KernelClient(GatewayKernelClient):
    """Sends the token with its WebSocket as well, which the class of jupyter_server does not."""

    async def start_channels(self, **_):
        settings = GatewayClient.instance()
        address = f"{settings.ws_url}{settings.kernels_endpoint}/{self.kernel_id}/channels"
        header = [f"Authorization: token {settings.auth_token}"]
        self.channel_socket = websocket.create_connection(address, header=header, enable_multithread=True)
        await ensure_async(AsyncKernelClient.start_channels(self))
        self.response_router = threading.Thread(target=self._route_responses)
        self.response_router.start()


class KernelManager(GatewayKernelManager):
    """What nbclient asks of a manager beside what a gateway's has."""

    def client(self, **options):
        return KernelClient(self.kernel_id, **self.get_connection_info(session=True), parent=self, **options)

    def pre_start_kernel(self, **options):
        return [], options

    @property
    def kernel_spec(self):
        return None


def notebook(*cells):
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    made.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return made


def configure():
    client = GatewayClient.instance()
    client.url = os.environ["GLOVEBOX_URL"]
    client.auth_token = os.environ["GLOVEBOX_TOKEN"]


def run(made, **options):
    client = NotebookClient(made, kernel_manager_class=KernelManager, kernel_name="python3", timeout=60, **options)
    return client.execute()


def check_nbclient():
    plot = "import matplotlib.pyplot as plt\nplt.plot([1, 2]);"
    made = run(notebook("a = 20", "print(a + 1)", "a * 2", plot))
    outputs = [cell.outputs for cell in made.cells]
    assert outputs[1][0].text == "21\n", outputs
    assert outputs[2][0].data["text/plain"] == "40", outputs
    assert any("image/png" in output.get("data", {}) for output in outputs[3]), outputs
    try:
        run(notebook("1 / 0", "ran = True"))
    except CellExecutionError as failure:
        assert "ZeroDivisionError" in str(failure)
    else:
        raise AssertionError("a cell that failed did not end the run")
    print("nbclient: ok")


def check_papermill():
    import papermill
    from papermill.clientwrap import PapermillNotebookClient
    from papermill.engines import NBClientEngine, papermill_engines

    class Engine(NBClientEngine):
        @classmethod
        def execute_managed_notebook(cls, nb_man, kernel_name, **options):
            PapermillNotebookClient(
                nb_man, kernel_manager_class=KernelManager, kernel_name=kernel_name, timeout=60
            ).execute()

    papermill_engines.register("glovebox", Engine)
    with tempfile.TemporaryDirectory() as folder:
        source, target = pathlib.Path(folder, "in.ipynb"), pathlib.Path(folder, "out.ipynb")
        made = notebook("n = 1", "print(n * 2)")
        made.cells[0].metadata["tags"] = ["parameters"]
        nbformat.write(made, source)
        papermill.execute_notebook(
            str(source), str(target), {"n": 21}, engine_name="glovebox", progress_bar=False
        )
        made = nbformat.read(target, as_version=4)
    assert made.cells[-1].outputs[0].text == "42\n", made.cells
    print("papermill: ok")


if __name__ == "__main__":
    configure()
    {"nbclient": check_nbclient, "papermill": check_papermill}[sys.argv[1]]()
