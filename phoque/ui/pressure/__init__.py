"""The pressure test on the page: a policy of one's own in a simulated channel, live."""
