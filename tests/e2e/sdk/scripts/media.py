import io
import struct
import wave

import numpy as np
from clearml import Task
from PIL import Image
from told import tell

task = Task.init(project_name="reporting/media ü %", task_name="a name, with blanks & ü")
log = task.get_logger()
for iteration in range(3):
    pixels = np.full((8, 8, 3), 60 * iteration, dtype=np.uint8)
    log.report_image("samples", "array ü", iteration=iteration, image=pixels)
log.report_image("samples", "floats", iteration=0, image=np.zeros((4, 4), dtype=float))
log.report_image("samples", "pillow", iteration=0, image=Image.new("RGB", (5, 5), "red"))
Image.new("RGB", (6, 6), "blue").save("a blue one.png")
log.report_image("samples", "file", iteration=0, local_path="a blue one.png")
log.report_image("samples", "link", iteration=0, url="https://example.com/picture.png")
log.report_media(
    "media", "page", iteration=0, stream=io.StringIO("<b>grüße</b>"), file_extension=".html"
)
sound = io.BytesIO()
with wave.open(sound, "wb") as file:
    file.setparams((1, 2, 8000, 4, "NONE", "not compressed"))
    file.writeframes(struct.pack("<4h", 0, 1000, 0, -1000))
log.report_media("media", "sound", iteration=0, stream=sound, file_extension="wav")
task.flush(wait_for_uploads=True)

again = Task.get_task(task_id=task.id)
tell(
    id=task.id,
    samples=again.get_debug_samples("samples", "array ü"),
    link=again.get_debug_samples("samples", "link"),
)
task.close()
