"""Every sentence of the pressure test on the page."""

from phoque.run.pressure import Outcome, Role

TITLE = "How much slips through a moderation of my own?"
HINT = (
    "In this simulated channel, hostile people change their style after each mute, others are civil, and some are "
    "blunt but kind. You see two policies of the project as they were recorded. Compose your own and run it: it "
    "gets the same messages, and the policy {} runs beside it."
)
MODERATORS, MODERATORS_HINT = "Moderators", "A message is flagged if one of them flags it."
THRESHOLD, THRESHOLD_HINT = "Threshold", "From this score on a moderator flags a message."
STRIKES = "Strikes before a mute"
STRIKES_HINT = "So many flagged messages within 10 minutes mute a speaker for 5 minutes."
CANONICAL, CANONICAL_HINT = "Undo spelling tricks first", "Tricks such as us3less or u.s.e.l.e.s.s."
RUN, STOP = "Run the test", "Stop the test"
NO_MODERATOR = "No moderator is chosen: choose at least one."
BEGINNING = "Getting the test ready…"
GOES_ON = "{:,} of {:,} messages"
DONE = "All {:,} messages have been sent."
YOURS = "yours"

MEASURES = (
    "leak", "shown_before_mute", "never_muted", "civil_hidden", "blunt_hidden", "civil_muted", "blunt_muted",
    "unknown",
)  # fmt: skip
"""What stands above the channels, by its name in the record."""
CAPTION = "Same messages, two policies: measures with 95 % intervals over speakers and seeds"
FIRST = "The first {} messages of {:,}"
LAST = "The last {} of {:,} messages so far"
ROLES = {
    Role.HOSTILE: "▲ hostile",
    Role.CIVIL: "○ civil",
    Role.BLUNT: "◇ blunt but kind",
    Role.PLURIBUS: "✿ happy",
}
"""Who speaks, with a shape, so that nobody is told by colour alone."""
OUTCOMES = {
    Outcome.SHOWN: "✓ shown",
    Outcome.HIDDEN: "✗ hidden",
    Outcome.REMOVED: "✗ shown, removed by a reviewer after {:.0f} s",
    Outcome.UNKNOWN: "? unknown, held back",
    Outcome.MUTED: "⏸ not posted: muted",
}
WRONG = {True: "slips through", False: "wrongly"}
"""What is added where a hostile message is seen, or a harmless one is not."""
MUTED = "⏸ {} is muted."
NO_TEXT = "(text left out)"
NOBODY = "Nobody has said anything yet."
