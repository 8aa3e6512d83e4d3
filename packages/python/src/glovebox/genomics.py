"""An interpreter for genomics: files of sequences and features, similarities, neighborhoods."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath
from typing import Any, Dict, List, Mapping, Optional, Sequence, Union

from ._async.client import AsyncClient
from ._guest import loader
from .errors import invalid
from .results import Result
from .tool import python_value

#: A path of this machine, or what is in the file.
GenomicFile = Union[str, "os.PathLike[str]", bytes]

_ENDINGS = ((b">", ".fasta"), (b"##gff", ".gff"), (b"\x1f\x8b", ".gz"))


class GenomicCodeInterpreter:
    """Works in one session. Each method gives the ``Result`` of its run; a failure is an answer.

    As a context manager it ends the session, and the client where it made that one itself.
    """

    def __init__(
        self,
        client: Optional[AsyncClient] = None,
        *,
        session_id: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> None:
        self._own = client is None
        self._client = client if client is not None else AsyncClient()
        self._timeout = timeout
        self.session = self._client.session(session_id)

    async def __aenter__(self) -> "GenomicCodeInterpreter":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        await self.session.release()
        if self._own:
            await self._client.aclose()

    async def setup_genomic_environment(self, files: Mapping[str, GenomicFile]) -> Result:
        """Bring files of this machine into the session, index them, and describe them.

        A str is a path, bytes are what is in the file: FASTA, GFF3 or GTF, also by gzip. In the
        session each is a variable of its name: sequences by id, or a DataFrame of features.
        """
        if not files:
            raise invalid("Name at least one file.", 'Such as {"proteins": "/data/proteins.fasta"}.')
        paths: Dict[str, str] = {}
        for name, content in files.items():
            paths[name] = _inside(name, content)
        for name, content in files.items():
            given = Path(content) if isinstance(content, (str, os.PathLike)) else content
            await self.session.files.write(paths[name], given)
        return await self._call("genes", f"set_up({python_value(paths)}, globals())")

    async def analyze_protein_similarities(self, protein_ids: Sequence[str]) -> Result:
        """Align each protein with each other one, by BLOSUM62.

        Shows a heat map of identities and a table of all pairs, and makes ``similarity_heatmap.png``
        and ``protein_similarities.csv``.
        """
        names = [str(name) for name in protein_ids]
        paths = '"protein_similarities.csv", "similarity_heatmap.png"'
        return await self._call("similarity", f"analyze({python_value(names)}, {paths})")

    async def plot_genomic_neighborhood(
        self,
        gene_data: Union[Sequence[Mapping[str, Any]], str, Any],
        *,
        flank: int = 5000,
        title: Optional[str] = None,
    ) -> Result:
        """Draw genes as arrows to ``genomic_neighborhood.png``.

        ``gene_data``: dicts of ``id``, ``start``, ``end``, ``strand`` (1 or -1), ``function`` and, where
        there are several, ``contig``; or a DataFrame of these columns; or the name of a gene of the
        annotations, which is drawn with what lies within ``flank`` bases.
        """
        if isinstance(gene_data, str):
            genes = f"sys.modules['glovebox_genes'].neighborhood({python_value(gene_data)}, {int(flank)})"
        else:
            genes = python_value(_records(gene_data))
        call = f'plot({genes}, "genomic_neighborhood.png", {python_value(title)})'
        return await self._call("neighborhood", call)

    async def _call(self, module: str, call: str) -> Result:
        code = loader("genes") + ("" if module == "genes" else loader(module))
        code += f"sys.modules['glovebox_{module}'].{call}"
        return await self.session.execute(code, timeout=self._timeout)


def _inside(name: str, content: GenomicFile) -> str:
    """Where a file goes: below genomic/, by its name and, where that is known, its ending."""
    if not name or "/" in name or name.startswith("."):
        raise invalid(f"{name!r} is no name for a file.", "Use names such as proteins.")
    if isinstance(content, bytes):
        endings = (ending for start, ending in _ENDINGS if content.startswith(start))
        return f"genomic/{name}{next(endings, '.txt')}"
    path = Path(content)
    if not path.is_file():
        raise invalid(
            f"There is no file {path} on this machine.",
            "Give the path of a FASTA or GFF file, or its bytes.",
        )
    return f"genomic/{name}{''.join(PurePosixPath(path.name).suffixes[-2:])}"


def _records(gene_data: Any) -> List[Dict[str, Any]]:
    if hasattr(gene_data, "to_json"):
        # By JSON, as a DataFrame has numbers of NumPy.
        import json

        return list(json.loads(gene_data.to_json(orient="records")))
    return [dict(gene) for gene in gene_data]
