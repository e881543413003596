"""Records in bulk: how fast, beside bare signing, and in how much memory."""
