"""Print what the stable reasons mean, in each language, as a module of the pages: one text for all programs."""

import json

from zk.messages import reasons_en, reasons_zh

PREFIX = "reason."


def main() -> None:
    print("// Generated from zk/messages by scripts/web_reasons.py.")
    for language, table in (("en", reasons_en.MESSAGES), ("zh", reasons_zh.MESSAGES)):
        texts = {key.removeprefix(PREFIX): text for key, text in table.items() if key.startswith(PREFIX)}
        written = json.dumps(texts, ensure_ascii=False, indent=1, sort_keys=True)
        print(f"export const {language}: Readonly<Record<string, string>> = {written};")


if __name__ == "__main__":
    main()
