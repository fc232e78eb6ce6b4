"""clearml-agent's cache of environments, by its own class.

Arguments: the cache's folder, and the environment to keep there. Says ``ready``. Each line names
a folder to make the environment ready in; the answer is how long that took, in seconds.
Runs in the peers' environment.
"""

import contextlib
import sys
import time

from clearml_agent.helper.os.folder_cache import (  # type: ignore[import-not-found]
    FolderCache,
)

cache = FolderCache(sys.argv[1], max_cache_entries=10)
with contextlib.redirect_stdout(sys.stderr):
    if not cache.add_entry(["bench"], sys.argv[2]):
        sys.exit("the environment was not taken into the cache")
print("ready", flush=True)
for line in sys.stdin:
    began = time.perf_counter()
    with contextlib.redirect_stdout(sys.stderr):
        copied = cache.copy_cached_entry(["bench"], line.strip())
    took = time.perf_counter() - began
    if copied is None:
        sys.exit("the cache did not give the environment back")
    print(took, flush=True)
