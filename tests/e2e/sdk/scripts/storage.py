import os
from pathlib import Path

from clearml import StorageManager
from told import tell

files = os.environ["CLEARML_FILES_HOST"]
Path("a file ü.txt").write_text("content")
Path("folder/deep").mkdir(parents=True)
Path("folder/one.txt").write_text("1")
Path("folder/deep/two.txt").write_text("2")
Path("big.bin").write_bytes(os.urandom(20_000_000))
url = StorageManager.upload_file("a file ü.txt", f"{files}/storage/a file ü.txt")
big = StorageManager.upload_file("big.bin", f"{files}/storage/big.bin")
StorageManager.upload_folder("folder", f"{files}/storage/folder")
tell(
    url=url,
    content=Path(StorageManager.get_local_copy(url)).read_text(),
    exists=StorageManager.exists_file(url),
    missing=StorageManager.exists_file(f"{files}/storage/missing"),
    size=StorageManager.get_file_size_bytes(url),
    big=Path(StorageManager.get_local_copy(big)).read_bytes() == Path("big.bin").read_bytes(),
    one=Path(StorageManager.get_local_copy(f"{files}/storage/folder/one.txt")).read_text(),
    downloaded=Path(
        StorageManager.download_file(f"{files}/storage/folder/deep/two.txt", "here")
    ).read_text(),
)
