"""Write what the stable reasons mean, in each language, as a module of the pages."""

import json
import sys

from zk.messages import reasons_en, reasons_zh

PREFIX = "reason."


def main() -> None:
    """Write the module to the standard output."""
    sys.stdout.write("// Generated from zk/messages by scripts/web_reasons.py.\n")
    for language, table in (("en", reasons_en.MESSAGES), ("zh", reasons_zh.MESSAGES)):
        texts = {key.removeprefix(PREFIX): text for key, text in table.items() if key.startswith(PREFIX)}
        written = json.dumps(texts, ensure_ascii=False, indent=1, sort_keys=True)
        sys.stdout.write(f"export const {language}: Readonly<Record<string, string>> = {written};\n")


if __name__ == "__main__":
    main()
