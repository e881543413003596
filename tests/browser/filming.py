"""What a browser's camera films in tests: a code on a wall, drawn anew or as another screen shows it."""

import io
from pathlib import Path
from typing import Final

import segno
from PIL import Image

SIZE: Final = (640, 480)
_WALL: Final = 200
_CODE: Final = 400


def camera(film: Path) -> tuple[str, str]:
    """Return the arguments of a Chromium whose camera plays a film."""
    return "--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={film}"


def filmed(path: Path, text: str | None) -> Path:
    """Write two frames of a wall, on which a code hangs if there is a text."""
    width, height = SIZE
    rows = [bytearray(b"\xc8" * width) for _ in range(height)]
    if text is not None:
        matrix, scale = segno.make(text, error="l", micro=False).matrix, 7
        left, top = (width - len(matrix) * scale) // 2, (height - len(matrix) * scale) // 2
        for row, modules in enumerate(matrix):
            line = b"".join(bytes([40 if dark else 200]) * scale for dark in modules)
            for y in range(top + row * scale, top + (row + 1) * scale):
                rows[y][left : left + len(line)] = line
    return _film(path, b"".join(rows))


def screened(path: Path, shown: bytes) -> Path:
    """Write two frames of a wall on which another screen's picture of a code hangs."""
    frame = Image.new("L", SIZE, _WALL)
    code = Image.open(io.BytesIO(shown)).convert("L").resize((_CODE, _CODE))
    frame.paste(code, ((SIZE[0] - _CODE) // 2, (SIZE[1] - _CODE) // 2))
    return _film(path, frame.tobytes())


def _film(path: Path, grey: bytes) -> Path:
    width, height = SIZE
    header = f"YUV4MPEG2 W{width} H{height} F10:1 Ip A1:1 C420jpeg\n".encode()
    frame = b"FRAME\n" + grey + b"\x80" * (width * height // 2)
    path.write_bytes(header + frame * 2)
    return path
