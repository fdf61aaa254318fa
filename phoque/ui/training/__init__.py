"""The training tab: how a run was made, and how to make another."""
