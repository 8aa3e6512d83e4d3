import json
import os
import tempfile
import unittest

from _glovebox.probes import context_probe


class Variables(unittest.TestCase):
    def test_each_is_told_in_a_few_words(self):
        def area(width, height):
            return width * height

        names = {"n": 3, "text": "abc", "rows": [1, 2], "by_id": {"a": 1}, "area": area, "os": os}
        found, total = context_probe.variables(names)
        about = {one["name"]: one["about"] for one in found}
        self.assertEqual(total, 5, "modules are no variables")
        self.assertEqual(about["n"], "3")
        self.assertEqual(about["text"], "length 3: 'abc'")
        self.assertEqual(about["rows"], "length 2 of int")
        self.assertEqual(about["by_id"], "length 1, keys 'a'")
        self.assertEqual(about["area"], "(width, height)")

    def test_no_code_of_the_users_types_runs(self):
        class Trap:
            def __repr__(self):
                raise SystemExit("was called")

            __len__ = __str__ = __getattr__ = __repr__

        found, _ = context_probe.variables({"trap": Trap(), "traps": [Trap()]})
        self.assertEqual([one["about"] for one in found], ["", "length 1 of Trap"])

    def test_a_number_of_a_million_digits_is_not_written_out(self):
        found, _ = context_probe.variables({"big": 1 << 5_000_000})
        self.assertEqual(found[0]["about"], "a big number")

    def test_there_is_an_end(self):
        found, total = context_probe.variables({f"v{n}": "x" * 10_000 for n in range(1000)})
        self.assertEqual(total, 1000)
        self.assertLess(len(json.dumps(found)), 20_000)


class Files(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = folder.name

    def write(self, name: str, text: str | bytes) -> None:
        path = os.path.join(self.root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(text.encode() if isinstance(text, str) else text)

    def schemas(self) -> dict:
        answer = context_probe.main({"packages": False, "namespace": {}, "roots": [self.root]})
        return {os.path.basename(one["path"]): one.get("schema", "") for one in answer["files"]}

    def test_tables_have_their_columns_and_kinds(self):
        self.write("a.csv", "id,price,name\n1,2.5,x\n2,,y\n")
        self.write("b.tsv", "id\tcity\n1\tRome\n")
        self.write("c.csv", "a;b\n1;2\n")
        schemas = self.schemas()
        self.assertIn("2 rows", schemas["a.csv"])
        self.assertIn("id: int, price: float, name: text", schemas["a.csv"])
        self.assertIn("city: text", schemas["b.tsv"])
        self.assertIn("a: int, b: int", schemas["c.csv"])

    def test_the_other_kinds_are_known(self):
        self.write("d/x.json", json.dumps({"items": [{"id": 1}], "n": 2}))
        self.write("x.jsonl", '{"a": 1}\n{"a": 2}\n')
        self.write("x.fasta", ">one first\nACGT\n>two\nGGTT\n")
        self.write("x.gff", "##gff-version 3\nchr1\tsrc\tgene\t1\t9\t.\t+\t.\tID=g\n")
        schemas = self.schemas()
        self.assertEqual(schemas["x.json"], "{'items': list of 1 x object of 1 keys, 'n': int}")
        self.assertIn("'a': int", schemas["x.jsonl"])
        self.assertIn("2 sequences of nucleotides; the first: one first, two", schemas["x.fasta"])
        self.assertIn("1 features; sequences chr1; types gene", schemas["x.gff"])

    def test_what_is_broken_hostile_or_no_file_does_no_harm(self):
        self.write("empty.csv", "")
        self.write("broken.json", "{")
        self.write("binary.csv", bytes(range(256)))
        os.mkfifo(os.path.join(self.root, "pipe.csv"))
        os.symlink("/etc/passwd", os.path.join(self.root, "link.csv"))
        self.write("bytes\udcff.txt".encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape"), "x")
        schemas = self.schemas()
        self.assertEqual(schemas["empty.csv"], "empty")
        self.assertIn("cannot be read", schemas["broken.json"])
        self.assertEqual((schemas["pipe.csv"], schemas["link.csv"]), ("", ""))
        self.assertIn("bytes\ufffd.txt", schemas)

    def test_many_and_large_files_are_cut(self):
        for number in range(200):
            self.write(f"many/{number}.csv", "a,b\n1,2\n")
        self.write("wide.csv", ",".join(f"column{n}" for n in range(5000)) + "\n")
        self.write("large.csv", "a,b\n" + "1,2\n" * 200_000)
        answer = context_probe.main({"packages": False, "namespace": {}, "roots": [self.root]})
        self.assertTrue(answer["files_truncated"])
        self.assertLessEqual(len(answer["files"]), 60)
        self.assertLess(len(json.dumps(answer)), 60_000)
        self.assertIn("about", self.schemas().get("large.csv", "about 1 rows"))


class Packages(unittest.TestCase):
    def test_they_are_names_with_versions_where_known(self):
        for line in context_probe.packages():
            self.assertRegex(line, r"^\S+( \S+)?$")


if __name__ == "__main__":
    unittest.main()
