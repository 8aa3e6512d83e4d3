"""Which files a cell is said to have created or changed, in a real directory."""

import os
import resource
import unittest

from _glovebox.kernel import workspace
from tests.support import temporary_directory


class WorkspaceTest(unittest.TestCase):
    def setUp(self):
        directory = temporary_directory()
        self.addCleanup(directory.cleanup)
        self.root = directory.name
        self.observer = workspace.Observer(self.root)
        self.observer.changes()

    def write(self, path: str, text: str = "x") -> None:
        full = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as file:
            file.write(text)

    def test_an_empty_directory_has_no_changes(self):
        self.assertEqual(self.observer.changes(), ([], []))

    def test_new_files_are_created_and_sorted_with_paths_relative_to_the_root(self):
        for path in ("b.txt", "deep/er/c.txt", "a.txt"):
            self.write(path)
        self.assertEqual(self.observer.changes(), (["a.txt", "b.txt", "deep/er/c.txt"], []))
        self.assertEqual(self.observer.changes(), ([], []))

    def test_a_file_written_again_is_modified(self):
        self.write("a.txt", "one")
        self.write("d/b.txt", "one")
        self.observer.changes()
        self.write("a.txt", "longer")
        self.write("d/b.txt", "longer")
        self.assertEqual(self.observer.changes(), ([], ["a.txt", "d/b.txt"]))

    def test_a_file_replaced_by_another_of_the_same_size_and_time_is_modified(self):
        self.write("a.txt", "one")
        self.write("b.txt", "two")
        for name in ("a.txt", "b.txt"):
            os.utime(f"{self.root}/{name}", ns=(1, 1))
        self.observer.changes()
        os.replace(f"{self.root}/b.txt", f"{self.root}/a.txt")
        self.assertEqual(self.observer.changes(), ([], ["a.txt"]))

    def test_without_a_free_descriptor_changes_are_told_later(self):
        self.write("a.txt")
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        lowest = os.dup(0)
        os.close(lowest)
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
        try:
            self.assertEqual(self.observer.changes(), ([], []))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        self.assertEqual(self.observer.changes(), (["a.txt"], []))

    def test_a_deleted_file_is_neither_created_nor_modified(self):
        self.write("a.txt")
        self.observer.changes()
        os.unlink(f"{self.root}/a.txt")
        self.assertEqual(self.observer.changes(), ([], []))
        self.write("a.txt")
        self.assertEqual(self.observer.changes(), (["a.txt"], []))

    def test_a_file_created_right_after_another_was_created_and_deleted_is_seen(self):
        """The clock of a directory's mtime is coarse: both may happen in the same tick."""
        for number in range(20):
            self.write("fleeting")
            os.unlink(f"{self.root}/fleeting")
            self.observer.changes()
            self.write(f"kept-{number}")
            self.assertEqual(self.observer.changes(), ([f"kept-{number}"], []))
            os.unlink(f"{self.root}/kept-{number}")
            self.observer.changes()

    def test_a_link_counts_as_itself_and_is_not_followed(self):
        with temporary_directory() as outside:
            os.mkdir(f"{outside}/d")
            with open(f"{outside}/d/secret", "w", encoding="utf-8"):
                pass
            os.symlink(f"{outside}/d", f"{self.root}/link")
            os.symlink("/nonexistent", f"{self.root}/broken")
            self.assertEqual(self.observer.changes(), (["broken", "link"], []))

    def test_caches_that_tools_make_are_left_out(self):
        self.write("__pycache__/a.pyc")
        self.write("d/.ipynb_checkpoints/b")
        self.write("d/kept")
        self.assertEqual(self.observer.changes(), (["d/kept"], []))

    def test_directories_alone_are_not_told(self):
        os.makedirs(f"{self.root}/a/b/c")
        self.assertEqual(self.observer.changes(), ([], []))
        self.write("a/b/c/file")
        self.assertEqual(self.observer.changes(), (["a/b/c/file"], []))

    def test_names_that_are_not_utf8_can_still_be_told(self):
        with open(os.fsencode(self.root) + b"/\xff\n", "w", encoding="utf-8"):
            pass
        self.assertEqual(self.observer.changes(), (["\udcff\n"], []))

    def test_looking_stops_after_some_thousand_entries(self):
        for number in range(5100):
            os.close(os.open(f"{self.root}/{number}", os.O_CREAT | os.O_WRONLY))
        self.assertEqual(len(workspace.snapshot(self.root)), 5000)

    def test_deleting_among_too_many_files_creates_none(self):
        for number in range(5100):
            os.close(os.open(f"{self.root}/{number}", os.O_CREAT | os.O_WRONLY))
        self.observer.changes()
        for name in list(workspace.snapshot(self.root))[:10]:
            os.unlink(f"{self.root}/{name}")
        self.assertEqual(self.observer.changes(), ([], []))

    def test_a_directory_that_is_gone_has_no_changes(self):
        self.assertEqual(workspace.Observer(f"{self.root}/gone").changes(), ([], []))
        self.assertEqual(workspace.snapshot(f"{self.root}/gone"), {})


if __name__ == "__main__":
    unittest.main()
