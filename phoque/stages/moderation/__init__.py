"""Stage `moderation`: what moderators flag of the run's replies, and what passes."""
