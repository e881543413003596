"""What an attacker would try, over a real server; each is refused and changes nothing."""
