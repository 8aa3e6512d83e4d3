"""Runs in a sandbox: how alike proteins are, by alignment of each with each."""

import glovebox_genes as genes
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from Bio.Align import PairwiseAligner, substitution_matrices


def analyze(names, table_path, figure_path):
    """Global alignments with BLOSUM62, 10 to open a gap, 0.5 to extend it, ends free: as needle does."""
    aligner = PairwiseAligner(mode="global")
    aligner.substitution_matrix = substitution_matrices.load("BLOSUM62")
    aligner.open_gap_score, aligner.extend_gap_score = -10, -0.5
    aligner.end_gap_score = 0
    texts = {name: _residues(name, aligner.substitution_matrix.alphabet) for name in names}
    if len(texts) < 2:
        raise ValueError("Name at least two different proteins.")
    rows = []
    matrix = pd.DataFrame(np.eye(len(texts)), index=list(texts), columns=list(texts))
    for at, one in enumerate(texts):
        for other in list(texts)[at + 1 :]:
            row = _compared(aligner, texts[one], texts[other])
            rows.append({"protein": one, "other": other, **row})
            matrix.loc[one, other] = matrix.loc[other, one] = row["identity"]
    pairs = pd.DataFrame(rows).sort_values("identity", ascending=False, ignore_index=True)
    pairs.to_csv(table_path, index=False)
    _draw(matrix, figure_path)
    print(f"Mean identity of {len(pairs)} pairs: {pairs['identity'].mean():.3f}")
    return pairs


def _residues(name, alphabet):
    text = str(genes.find_sequence(name).seq).upper().rstrip("*")
    if text == "":
        raise ValueError(f"The sequence {name} is empty.")
    if len(text) > 20 and not genes.is_protein(text):
        raise ValueError(f"{name} is a sequence of nucleotides: translate it first.")
    return "".join(letter if letter in alphabet else "X" for letter in text)


def _compared(aligner, one, other):
    alignment = aligner.align(one, other)[0]
    matrix = aligner.substitution_matrix
    identical = similar = gaps = 0
    for first, second in zip(alignment[0], alignment[1]):
        if "-" in (first, second):
            gaps += 1
            continue
        identical += first == second
        similar += matrix[first, second] > 0
    length = alignment.length
    return {
        "identity": identical / length,
        "similarity": similar / length,
        "score": alignment.score,
        "gaps": gaps,
        "columns": length,
    }


def _draw(matrix, path):
    ordered = _ordered(matrix)
    count = len(ordered)
    size = min(max(4.5, 0.45 * count + 2.5), 20)
    figure, axes = plt.subplots(figsize=(size + 0.8, size), layout="constrained")
    image = axes.imshow(ordered * 100, cmap="viridis", vmin=0, vmax=100)
    shown = ordered.index if count <= 60 else []
    axes.set_xticks(range(len(shown)), shown, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(shown)), shown)
    if count <= 15:
        for row, column in np.ndindex(count, count):
            value = 100 * ordered.iat[row, column]
            colour = "black" if value > 60 else "white"
            axes.text(column, row, f"{value:.0f}", ha="center", va="center", color=colour)
    figure.colorbar(image, label="Identity (%)", shrink=0.8)
    axes.set_title("Protein similarity")
    figure.savefig(path, dpi=150)


def _ordered(matrix):
    """What is alike stands side by side."""
    if len(matrix) < 3:
        return matrix
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    tree = linkage(squareform(1 - matrix.to_numpy(), checks=False), "average", optimal_ordering=True)
    order = leaves_list(tree)
    return matrix.iloc[order, order]
