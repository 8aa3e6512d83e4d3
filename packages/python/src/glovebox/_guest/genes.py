"""Runs in a sandbox: files of sequences and features, and what is read from them."""

import gzip
import os
from collections import Counter
from difflib import get_close_matches

import pandas as pd
from Bio import SeqIO

NUCLEOTIDES = frozenset("ACGTUNRYSWKMBDHV-")
COLUMNS = ["seqid", "source", "type", "start", "end", "score", "strand", "phase", "attributes"]

#: By the names that the caller has given.
sequences = {}
features = {}


class Sequences:
    """Records of a FASTA file by id, read when they are asked for."""

    def __init__(self, path):
        self._records = SeqIO.index(path, "fasta")
        self._aliases = {}
        for name in self._records:
            # UniProt writes sp|P69905|HBA_HUMAN, and people one of the parts.
            for part in name.split("|")[1:]:
                self._aliases.setdefault(part, name)

    def __len__(self):
        return len(self._records)

    def __iter__(self):
        return iter(self._records)

    def __contains__(self, name):
        return name in self._records or name in self._aliases

    def __getitem__(self, name):
        return self._records[self._aliases.get(name, name)]

    def names(self):
        return [*self._records, *self._aliases]

    def __repr__(self):
        return f"<{len(self)} sequences: {', '.join(list(self)[:5])}{', …' if len(self) > 5 else ''}>"


def set_up(files, variables):
    """Read each file, put it under its name into the variables of the session, and describe it."""
    for name, path in files.items():
        plain = _unpacked(path)
        kind = _kind(plain)
        if kind == "fasta":
            value = sequences[name] = Sequences(plain)
            if len(value) == 0:
                raise ValueError(f"{name} ({path}) has no sequence.")
            print(f"{name}: {_described(value)}")
        elif kind == "gff":
            value = features[name] = read_gff(plain)
            print(f"{name}: {_described_features(value)}")
        else:
            print(f"{name}: {path}, {os.path.getsize(plain)} bytes; neither FASTA nor GFF")
            value = path
        if name.isidentifier():
            variables[name] = value


def find_sequence(name):
    for records in sequences.values():
        if name in records:
            return records[name]
    known = [other for records in sequences.values() for other in records.names()]
    if not known:
        raise LookupError(
            "There are no sequences in this session: setup_genomic_environment brings them. "
            "After a timeout of a run it has to be called again."
        )
    near = get_close_matches(name, known, 3) or known[:3]
    raise LookupError(f"There is no sequence {name!r}. Some that there are: {', '.join(near)}.")


def read_gff(path):
    """The features of a GFF3 or GTF file, with their attributes as columns."""
    rows = []
    with open(path, encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, 1):
            if line.startswith("##FASTA"):
                break
            if line.startswith("#") or not line.strip():
                continue
            fields = line.rstrip("\n").split("\t")
            if len(fields) != 9:
                raise ValueError(f"Line {number} has {len(fields)} columns; GFF has 9, with tabs between.")
            rows.append(fields)
    table = pd.DataFrame(rows, columns=COLUMNS)
    for column in ("start", "end"):
        table[column] = pd.to_numeric(table[column])
    attributes = pd.DataFrame([_attributes(text) for text in table.pop("attributes")])
    return table.join(attributes.drop(columns=table.columns, errors="ignore"))


def neighborhood(gene_id, flank):
    """The genes within so many bases around one, as plot_genomic_neighborhood takes them."""
    for table in features.values():
        names = [one for one in ("ID", "Name", "gene", "locus_tag", "gene_id") if one in table]
        hits = table[(table[names] == gene_id).any(axis=1)]
        if len(hits) == 0:
            continue
        hit = hits.iloc[0]
        genes = table[table["type"].isin(["gene", "pseudogene"])]
        if len(genes) == 0:
            genes = table[table["type"] == "CDS"]
        near = genes[
            (genes["seqid"] == hit["seqid"])
            & (genes["end"] >= hit["start"] - flank)
            & (genes["start"] <= hit["end"] + flank)
        ]
        return [_gene(row, table) for _, row in near.iterrows()]
    raise LookupError(f"No feature of the annotations is called {gene_id!r}.")


def _gene(row, table):
    label = next((row[one] for one in ("Name", "gene", "locus_tag", "ID") if _told(row, one)), "?")
    function = next((row[one] for one in ("function", "product") if _told(row, one)), None)
    if function is None and _told(row, "ID") and "Parent" in table:
        parts = table[(table["Parent"] == row["ID"])]
        told = parts["product"].dropna() if "product" in parts else []
        function = told.iloc[0] if len(told) else None
    place = {"start": int(row["start"]), "end": int(row["end"]), "contig": row["seqid"]}
    return {"id": label, "strand": row["strand"], "function": function, **place}


def _told(row, name):
    return name in row and isinstance(row[name], str)


def _attributes(text):
    from urllib.parse import unquote

    told = {}
    for part in text.strip().strip(";").split(";"):
        name, separator, value = part.strip().partition("=" if "=" in part else " ")
        if separator:
            told[name] = unquote(value.strip('"'))
    return told


def _unpacked(path):
    with open(path, "rb") as file:
        if file.read(2) != b"\x1f\x8b":
            return path
    plain = path[: -len(".gz")] if path.endswith(".gz") else f"{path}.plain"
    with gzip.open(path, "rb") as packed, open(plain, "wb") as file:
        while piece := packed.read(1 << 20):
            file.write(piece)
    return plain


def _kind(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        line = next((line for line in file if line.strip()), "")
    if line.startswith(">"):
        return "fasta"
    return "gff" if line.startswith("##gff") or line.count("\t") == 8 else "other"


def is_protein(letters):
    return not set(letters) <= NUCLEOTIDES


def _described(records):
    lengths, letters = [], Counter()
    for name in records:
        text = str(records[name].seq).upper()
        lengths.append(len(text))
        letters.update(text)
    lengths.sort()
    kind = "residues" if is_protein(letters) else "bases"
    middle = lengths[len(lengths) // 2]
    some = ", ".join(list(records)[:5]) + (", …" if len(records) > 5 else "")
    return (
        f"{len(records)} sequences ({some}), {sum(lengths)} {kind}; "
        f"shortest {lengths[0]}, median {middle}, longest {lengths[-1]}"
    )


def _described_features(table):
    types = ", ".join(f"{count} {kind}" for kind, count in table["type"].value_counts().items())
    places = ", ".join(
        f"{name} {group['start'].min()}–{group['end'].max()}"
        for name, group in list(table.groupby("seqid"))[:5]
    )
    return f"{len(table)} features: {types or 'none'}; {places}"
