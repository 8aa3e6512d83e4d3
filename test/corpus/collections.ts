/** Which public programs the corpus is made of: where Debian's documentation packages have them. */

export interface Collection {
  readonly name: string;
  /** The Debian package, of the release that the sandboxes' tree is made of. */
  readonly debianPackage: string;
  /** Folders of the package that are looked through, with all below them. */
  readonly folders: readonly string[];
}

const DOC = "usr/share/doc";

export const collections: readonly Collection[] = [
  collection(
    "sklearn",
    "python-sklearn-doc",
    "examples",
    "html/stable/_downloads",
    "html/_downloads",
  ),
  collection("matplotlib", "python-matplotlib-doc", "html/_downloads"),
  collection("statsmodels", "python-statsmodels-doc", "examples/notebooks", "examples/python"),
  collection("biopython", "python-biopython-doc", "examples"),
  {
    name: "lmfit",
    debianPackage: "python-lmfit-doc",
    folders: [`${DOC}/python3-lmfit/html/_downloads`],
  },
  collection("sympy", "python-sympy-doc", "examples"),
  collection("xarray", "python-xarray-doc", "html/_sources/examples"),
  collection("tables", "python-tables-doc", "examples"),
  collection("h5py", "python-h5py-doc", "examples"),
  collection("pywt", "python-pywt-doc", "examples"),
];

function collection(name: string, debianPackage: string, ...folders: string[]): Collection {
  return { name, debianPackage, folders: folders.map((one) => `${DOC}/${debianPackage}/${one}`) };
}
