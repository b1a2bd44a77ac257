"""What callers may use and spend: rate limits and the wallet."""
