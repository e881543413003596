"""QR codes in the terminal."""

import io

import segno


def qr_lines(link: str) -> list[str]:
    """Return the lines of a link's QR code, two rows of it in one line of text."""
    stream = io.StringIO()
    segno.make(link, error="l", micro=False).terminal(out=stream, border=2, compact=True)
    return stream.getvalue().splitlines()
