"""What the pages cost a person who waits: the proof in the page, scan to verdict, what is loaded first."""
