"""What everything stands on: requests, replies, time, tokens, ids. It imports nothing of ours."""
