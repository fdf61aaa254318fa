"""The moderation tab: what moderators see, what they flag, and what passes."""
