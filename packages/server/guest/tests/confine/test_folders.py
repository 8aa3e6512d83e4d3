"""What is refused of folders and names; the mounts themselves are tried on live sandboxes."""

import os
import unittest
from unittest import mock

from _glovebox.confine.folders import Folder, Folders, FoldersRefused

DESCRIBED = "a:ro:0:0:1:2 b:rw:5:6:1:3 .wheels:ro:0:0:1:4"


def made(described: str = DESCRIBED, copy: mock.Mock | None = None) -> Folders:
    """Folders of a host whose mounts do as `copy` says."""
    copy = copy or mock.Mock(side_effect=lambda *_: os.open("/dev/null", os.O_RDONLY))
    with mock.patch.object(Folders, "_copy", copy):
        return Folders(described, 1 << 30)


class FoldersTest(unittest.TestCase):
    def test_places_inside(self):
        self.assertEqual(Folder("a", False, 0, 0).target, "/data/a")
        self.assertEqual(Folder(".wheels", False, 0, 0).target, "/opt/wheels")

    def test_data_is_only_there_where_something_is(self):
        self.assertTrue(made().has_data)
        self.assertFalse(made(".wheels:ro:0:0:1:4").has_data)
        self.assertFalse(made("").has_data)

    def test_known_names_are_taken(self):
        for names in ([], ["a"], ["b", "a", ".wheels"]):
            self.assertIsNone(made().unknown(names))

    def test_everything_else_is_refused(self):
        for names in (None, "a", {"a": 1}, ["c"], ["../a"], [1], [["a"]], ["a", "a"], ["a"] * 4):
            self.assertIsNotNone(made().unknown(names), names)

    def test_a_writable_folder_of_root_is_refused(self):
        for described in ("a:rw:0:0:1:2", "a:rw:5:0:1:2", "a:rw:0:5:1:2"):
            with self.assertRaisesRegex(FoldersRefused, "a is root's"):
                made(described)

    def test_without_translation_nothing_is_writable(self):
        def copy(folder: Folder, _host_id: int) -> int:
            if folder.uid:
                raise OSError("no idmapped mounts here")
            return os.open("/dev/null", os.O_RDONLY)

        with self.assertRaisesRegex(FoldersRefused, "DATA_MOUNTS: b cannot be rw.*share it :ro"):
            made(copy=mock.Mock(side_effect=copy))
        with mock.patch("sys.stderr") as stderr:
            found = made("c:ro:5:6:1:2", mock.Mock(side_effect=copy))
        self.assertIn("cannot translate ids", stderr.write.call_args[0][0])
        self.assertEqual(found._folders["c"], Folder("c", False, 0, 0))

    def test_copies_are_all_made_or_none(self):
        opened = [os.open("/dev/null", os.O_RDONLY)]
        copy = mock.Mock(side_effect=[opened[0], OSError("the second fails")])
        found = made()
        with mock.patch.object(Folders, "_copy", copy), self.assertRaises(OSError):
            found.copies(["a", "b"], 1 << 30)
        with self.assertRaises(OSError):
            os.fstat(opened[0])


if __name__ == "__main__":
    unittest.main()
