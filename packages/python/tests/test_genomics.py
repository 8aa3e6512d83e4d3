"""Genomics with real sequences and genes: human globins, the threonine operon of E. coli."""

import gzip
import io
import tempfile
import unittest
from pathlib import Path

from glovebox import AsyncClient, GloveboxError
from glovebox._guest import loader
from src.code_interpreter.client import (
    CodeInterpreterClient,
    GenomicCodeInterpreter,
    code_interpreter_tool,
)

FASTA = """>sp|P69905|HBA_HUMAN Hemoglobin subunit alpha
MVLSPADKTNVKAAWGKVGAHAGEYGAEALERMFLSFPTTKTYFPHFDLSHGSAQVKGHG
KKVADALTNAVAHVDDMPNALSALSDLHAHKLRVDPVNFKLLSHCLLVTLAAHLPAEFTP
AVHASLDKFLASVSTVLTSKYR
>sp|P68871|HBB_HUMAN Hemoglobin subunit beta
MVHLTPEEKSAVTALWGKVNVDEVGGEALGRLLVVYPWTQRFFESFGDLSTPDAVMGNPK
VKAHGKKVLGAFSDGLAHLDNLKGTFATLSELHCDKLHVDPENFRLLGNVLVCVLAHHFG
KEFTPPVQAAYQKVVAGVANALAHKYH
>sp|P02144|MYG_HUMAN Myoglobin
MGLSDGEWQLVLNVWGKVEADIPGHGQEVLIRLFKGHPETLEKFDKFKHLKSEDEMKASE
DLKKHGATVLTALGGILKKKGHHEAEIKPLAQSHATKHKIPVKYLEFISECIIQVLQSKH
PGDFGADAQGAMNKALELFRKDMASNYKELGFQG
>DNA
ATGCGAGTGTTGAAGTTCGGCGGTACATCAGTGGCA
"""
#: U00096.3, the first genes of E. coli K-12 MG1655.
GENES = [
    ("thrL", 190, 255, "+", "thr operon leader peptide"),
    ("thrA", 337, 2799, "+", "aspartate kinase I"),
    ("thrB", 2801, 3733, "+", "homoserine kinase"),
    ("thrC", 3734, 5020, "+", "threonine synthase"),
    ("yaaX", 5234, 5530, "+", None),
    ("yaaA", 5683, 6459, "-", "peroxide stress resistance"),
    ("yaaJ", 6529, 7959, "-", "transporter"),
    ("talB", 8238, 9191, "+", "transaldolase B"),
]
DOCUMENTED = [
    {"id": "gene1", "start": 1000, "end": 2000, "strand": 1, "function": "transport"},
    {"id": "gene2", "start": 2500, "end": 3500, "strand": -1, "function": "regulation"},
    {"id": "gene3", "start": 4000, "end": 5000, "strand": 1, "function": "metabolism"},
]


def gff():
    lines = ["##gff-version 3", "##sequence-region U00096.3 1 10000"]
    for at, (name, start, end, strand, product) in enumerate(GENES):
        place = ["U00096.3", "test", "{}", str(start), str(end), ".", strand, ".", "{}"]
        line = "\t".join(place)
        lines.append(line.format("gene", f"ID=gene-{at};Name={name}"))
        told = f";product={product.replace(' ', '%20')}" if product else ""
        lines.append(line.format("CDS", f"ID=cds-{at};Parent=gene-{at}{told}"))
    return "\n".join([*lines, ""])


class Genomics(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        self.client = await self.enterAsyncContext(CodeInterpreterClient())
        self.interpreter = await self.enterAsyncContext(GenomicCodeInterpreter(self.client))

    async def test_files_of_this_machine_are_indexed_and_described(self):
        with tempfile.TemporaryDirectory() as folder:
            proteins, annotations = Path(folder, "proteins.fasta"), Path(folder, "annotations.gff.gz")
            proteins.write_text(FASTA)
            annotations.write_bytes(gzip.compress(gff().encode()))
            files = {"proteins": str(proteins), "annotations": annotations}
            result = await self.interpreter.setup_genomic_environment(files)
        self.assertIn("proteins: 4 sequences (sp|P69905|HBA_HUMAN", result.stdout)
        self.assertIn("annotations: 16 features: 8 gene, 8 CDS; U00096.3 190–9191", result.stdout)
        lengths = "len(proteins['P69905'].seq), len(proteins['MYG_HUMAN']), len(annotations)"
        self.assertEqual((await self.interpreter.session.run(lengths)).text, "(142, 154, 16)\n")
        near = await self.interpreter.plot_genomic_neighborhood("thrB", flank=1600)
        self.assertIn("4 genes on 1 contig(s)", near.text)
        (chart,) = near.charts
        self.assertIn("U00096.3", chart["axes"][0]["x"]["label"])

    async def test_similarities_are_those_of_an_alignment(self):
        await self.interpreter.setup_genomic_environment({"proteins": FASTA.encode()})
        names = ["P69905", "HBB_HUMAN", "MYG_HUMAN"]
        result = await self.interpreter.analyze_protein_similarities(names)
        result.raise_for_error()
        files = self.interpreter.session.files
        self.assertEqual(
            result.files_created, ["protein_similarities.csv", "similarity_heatmap.png"]
        )
        table = (await files.read_text("protein_similarities.csv")).splitlines()
        first = dict(zip(table[0].split(","), table[1].split(",")))
        self.assertEqual((first["protein"], first["other"]), ("P69905", "HBB_HUMAN"))
        # What EMBOSS' needle says of these two: 65 of 149 identical, 90 similar, score 292.5.
        self.assertEqual((first["columns"], first["gaps"], first["score"]), ("149", "9", "292.5"))
        self.assertAlmostEqual(float(first["identity"]), 65 / 149)
        self.assertAlmostEqual(float(first["similarity"]), 90 / 149)
        self.assertEqual(len(table), 4)
        heat_map = await files.read("similarity_heatmap.png")
        self.assertTrue(heat_map.startswith(b"\x89PNG"))
        self.assertEqual(len(result.image_bytes()), 1)

    async def test_what_is_wrong_is_told_with_what_to_do(self):
        unknown = await self.interpreter.analyze_protein_similarities(["P69905", "P68871"])
        self.assertIn("setup_genomic_environment", unknown.error["evalue"])
        await self.interpreter.setup_genomic_environment({"proteins": FASTA.encode()})
        for names, told in (
            (["HBA_HUMAN", "HBX_HUMAN"], "HBA_HUMAN"),
            (["HBA_HUMAN", "HBA_HUMAN"], "at least two"),
            (["HBA_HUMAN", "DNA"], "translate it first"),
        ):
            result = await self.interpreter.analyze_protein_similarities(names)
            self.assertIn(told, result.error["evalue"])
        wrong = {**DOCUMENTED[0], "strand": 7}
        result = await self.interpreter.plot_genomic_neighborhood([wrong])
        self.assertIn("gene1", result.error["evalue"])
        with self.assertRaisesRegex(GloveboxError, "/data/none.fasta"):
            await self.interpreter.setup_genomic_environment({"proteins": "/data/none.fasta"})

    async def test_a_neighborhood_is_drawn(self):
        result = await self.interpreter.plot_genomic_neighborhood(DOCUMENTED)
        self.assertEqual(result.files_created, ["genomic_neighborhood.png"])
        from PIL import Image

        data = await self.interpreter.session.files.read("genomic_neighborhood.png")
        image = Image.open(io.BytesIO(data)).convert("RGB")
        colours = {colour for _, colour in image.getcolors(1 << 20)}
        # Three functions, three colours.
        self.assertLessEqual({(0, 114, 178), (230, 159, 0), (0, 158, 115)}, colours)

    async def test_labels_do_not_collide(self):
        genes = [
            {
                "id": f"a_rather_long_name_{at}",
                "start": 700 * at,
                "end": 700 * at + (90 if at % 3 else 2000),
                "strand": -1 if at % 4 == 0 else 1,
                "function": f"function {at % 20}",
                "contig": "one" if at < 30 else "two",
            }
            for at in range(45)
        ]
        code = f"""{loader("neighborhood")}
import matplotlib.pyplot as plt
sys.modules["glovebox_neighborhood"].plot({genes!r}, "many.png", None)
figure = plt.gcf()
draw = figure.canvas.get_renderer()
boxes = [text.get_window_extent(draw) for axes in figure.axes for text in axes.texts]
arrows = [patch.get_window_extent(draw) for axes in figure.axes for patch in axes.patches]
pairs = [(a, b) for at, a in enumerate(boxes) for b in boxes[at + 1:] if a.overlaps(b)]
pairs += [(a, b) for a in boxes for b in arrows if a.overlaps(b)]
outside = [a for a in boxes if a.x0 < 0 or a.x1 > figure.bbox.x1 or a.y1 > figure.bbox.y1]
print(len(boxes), len(arrows), len(pairs), len(outside))
plt.close("all")
"""
        async with AsyncClient() as client:
            result = await client.run(code)
        self.assertEqual(result.stdout.splitlines()[-1], "45 45 0 0")


class Documented(unittest.IsolatedAsyncioTestCase):
    async def test_the_tool_as_it_is_shown(self):
        async with AsyncClient() as client:
            await client.session("analysis-session").release()
        result = await code_interpreter_tool(
            code="""
            import pandas as pd
            import matplotlib.pyplot as plt
            
            # Analyze protein similarity data
            similarities = [0.8, 0.7, 0.9, 0.6, 0.75]
            plt.hist(similarities, bins=10)
            plt.title('Protein Similarity Distribution')
            plt.savefig('similarity_hist.png')
            print(f'Mean similarity: {sum(similarities)/len(similarities):.3f}')
            """,
            session_id="analysis-session",
            timeout=30,
        )
        self.assertEqual(result["stdout"], "Mean similarity: 0.750\n")
        self.assertEqual(result["files_created"], ["similarity_hist.png"])
