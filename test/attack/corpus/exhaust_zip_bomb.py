# An archive of a few kilobytes that unpacks to gigabytes: the disk limit, not the host, must end it.
import io, zipfile
memory = io.BytesIO()
with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
    with archive.open("bomb", "w", force_zip64=True) as file:
        for _ in range(300):
            file.write(bytes(1 << 20))
failure = outcome(lambda: zipfile.ZipFile(memory).extractall("/workspace"))
verdict(failure == "ENOSPC", failure)
