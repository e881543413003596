"""What a client library promises, over real servers that are killed, cut off and overloaded."""
