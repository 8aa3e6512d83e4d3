"""Turns a freshly installed Debian tree into the root filesystem of a sandbox.

Set-up runs this as root inside a chroot of the new tree, with a network and process namespace of
its own. The tree is shared read-only by every sandbox afterwards, so whatever would be written at
run time (byte code, the font cache) is written here, and whatever tells of the machine that built
the tree is removed here. Any failure makes set-up throw the tree away.
"""

import compileall
import glob
import importlib
import os
import shutil
import stat
import subprocess
import sys

USER_ID = 1000
WARDEN_ID = 999
MOUNT_POINTS = [
    "/opt/glovebox/guest",
    "/workspace",
    "/mnt",
    "/proc",
    "/sys",
    "/dev",
    "/tmp",
]
MATPLOTLIB_CACHE = "/opt/glovebox/matplotlib"
# Under /usr/share/fonts, in the order in which they are asked for a character that others lack.
FALLBACK_FONTS = ["WenQuanYi Micro Hei", "Lohit Devanagari"]
LOCALES = [
    *("de_DE", "en_GB", "en_US", "es_ES", "fr_FR", "hi_IN", "it_IT", "ja_JP"),
    *("ko_KR", "nl_NL", "pl_PL", "pt_BR", "ru_RU", "sv_SE", "tr_TR", "zh_CN", "zh_TW"),
]
MUST_IMPORT = [
    "IPython",
    "numpy",
    "pandas",
    "scipy.stats",
    "matplotlib.pyplot",
    "seaborn",
    "plotly.graph_objects",
    "sklearn.linear_model",
    "Bio.Seq",
    "statsmodels.api",
    "sympy",
    "networkx",
    "openpyxl",
    "PIL.Image",
    "nbformat",
    "rich.progress",
    "tqdm.auto",
    "requests",
    "sqlite3",
    "tables",
    "xarray",
    "skimage.filters",
    "docx",
    "pypdf",
    "pytest",
    "ipywidgets",
    "sqlalchemy",
    "lmfit",
    "pywt",
    "shapely",
    "wordcloud",
    "pydantic",
    "psutil",
]


def main():
    create_mount_points()
    create_users()
    allow_pip_into_the_home_folder()
    create_other_names()
    create_locales()
    compile_byte_code()
    add_fallback_fonts()
    seed_the_font_cache()
    prove_that_libraries_import()
    forget_the_build_host()
    drop_caches()
    drop_privileged_files()
    drop_device_nodes()


def create_mount_points():
    """The tree is read-only at run time, so a mount point that is absent now stays absent."""
    for path in MOUNT_POINTS:
        os.makedirs(path, mode=0o755, exist_ok=True)


def create_users():
    """`user` runs the code; `warden` supervises it and must therefore be somebody else."""
    add_line("/etc/passwd", f"user:x:{USER_ID}:{USER_ID}:user:/tmp/home:/bin/bash")
    add_line("/etc/group", f"user:x:{USER_ID}:")
    add_line("/etc/shadow", "user:!:1::::::")
    add_line("/etc/gshadow", "user:!::")
    add_line("/etc/passwd", f"warden:x:{WARDEN_ID}:{WARDEN_ID}:warden:/nonexistent:/usr/sbin/nologin")
    add_line("/etc/group", f"warden:x:{WARDEN_ID}:")
    add_line("/etc/shadow", "warden:!:1::::::")
    add_line("/etc/gshadow", "warden:!::")
    for backup in ("passwd-", "group-", "shadow-", "gshadow-"):
        remove(f"/etc/{backup}")


def allow_pip_into_the_home_folder():
    """Debian's marker protects a system from pip; here the system is read-only anyway."""
    for marker in glob.glob("/usr/lib/python3*/EXTERNALLY-MANAGED"):
        remove(marker)


def create_other_names():
    """Models of other services are told to find files there."""
    os.symlink("/workspace", "/mnt/data")


def create_locales():
    """For those who ask for one; without asking it is C.UTF-8."""
    write("/etc/locale.gen", "".join(f"{name}.UTF-8 UTF-8\n" for name in LOCALES))
    subprocess.run(["locale-gen"], check=True, stdout=subprocess.DEVNULL)


def add_fallback_fonts():
    """A family of its own for each keeps the first one as it is, whatever a style sets it to."""
    families = ", ".join(["sans-serif", *FALLBACK_FONTS])
    with open("/etc/matplotlibrc", "a", encoding="utf-8") as file:
        file.write(f"\nfont.family: {families}\n")


def compile_byte_code():
    """Packages compile themselves while they install; this fills the gaps they leave.

    Some libraries ship deliberately broken modules as test data, so a module that does not compile
    is no failure here; prove_that_libraries_import decides.
    """
    for folder in [*glob.glob("/usr/lib/python3*"), "/usr/lib/python3/dist-packages"]:
        compileall.compile_dir(folder, quiet=2)


def seed_the_font_cache():
    """Without it the first plot of every sandbox spends a quarter of a second on scanning fonts."""
    os.makedirs(MATPLOTLIB_CACHE, exist_ok=True)
    environment = {"MPLCONFIGDIR": MATPLOTLIB_CACHE, "PATH": os.environ["PATH"], "HOME": "/nonexistent"}
    subprocess.run(
        [sys.executable, "-B", "-c", "import matplotlib.font_manager"], env=environment, check=True
    )
    caches = glob.glob(f"{MATPLOTLIB_CACHE}/fontlist-*.json")
    if not caches:
        raise SystemExit("matplotlib wrote no font cache")
    with open(caches[0], encoding="utf-8") as file:
        known = file.read()
    for font in FALLBACK_FONTS:
        if f'"{font}"' not in known:
            raise SystemExit(f"matplotlib does not find the font {font}")


def prove_that_libraries_import():
    os.environ["MPLCONFIGDIR"] = MATPLOTLIB_CACHE
    os.environ["MPLBACKEND"] = "agg"
    for name in MUST_IMPORT:
        importlib.import_module(name)


def forget_the_build_host():
    """The tools copy the host's name and resolver into the tree; a sandbox must show neither."""
    write("/etc/resolv.conf", "")
    write("/etc/hostname", "sandbox\n")
    write("/etc/hosts", "127.0.0.1 localhost sandbox\n::1 localhost sandbox\n")
    for path in ("/etc/machine-id", "/var/lib/dbus/machine-id"):
        remove(path)
    for path in glob.glob("/etc/apt/apt.conf.d/*mmdebstrap*") + glob.glob("/etc/ssh/ssh_host_*"):
        remove(path)
    # The mirror's address can name a host that only the operator's network knows.
    write("/etc/apt/sources.list", "")
    empty("/etc/apt/sources.list.d")


def drop_caches():
    for folder in ("/var/lib/apt/lists", "/var/cache", "/var/log", "/tmp", "/var/tmp", "/root"):
        empty(folder)
    os.chmod("/tmp", 0o1777)


def drop_privileged_files():
    """No set-uid, no set-gid, no file capability: nothing in the tree can raise privilege."""
    for path in every_path():
        status = os.lstat(path)
        if stat.S_ISLNK(status.st_mode):
            continue
        if status.st_mode & (stat.S_ISUID | stat.S_ISGID):
            os.chmod(path, stat.S_IMODE(status.st_mode) & ~(stat.S_ISUID | stat.S_ISGID))
        if "security.capability" in os.listxattr(path):
            os.removexattr(path, "security.capability")


def drop_device_nodes():
    """A sandbox brings its own /dev; nodes in the tree would only be a second way to devices.

    This comes last because Python itself uses /dev until here.
    """
    empty("/dev")


def every_path():
    device = os.lstat("/").st_dev
    for folder, folders, files in os.walk("/"):
        folders[:] = [name for name in folders if same_device(folder, name, device)]
        for name in folders + files:
            yield os.path.join(folder, name)


def same_device(folder, name, device):
    return os.lstat(os.path.join(folder, name)).st_dev == device


def add_line(path, line):
    with open(path, encoding="utf-8") as file:
        lines = file.read().splitlines()
    name, _, identifier = line.split(":")[:3]
    for existing in lines:
        fields = existing.split(":")
        taken = path in ("/etc/passwd", "/etc/group") and fields[2] == identifier
        if fields[0] == name or taken:
            raise SystemExit(f"{path} already has {existing}")
    with open(path, "a", encoding="utf-8") as file:
        file.write(line + "\n")


def write(path, text):
    """Unlinks first: the path may be a link that leads elsewhere."""
    remove(path)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, 0o644)


def remove(path):
    if os.path.lexists(path):
        os.unlink(path)


def empty(folder):
    if not os.path.isdir(folder):
        return
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        else:
            os.unlink(path)


main()
