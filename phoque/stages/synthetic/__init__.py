"""Stage `regenerate`: an attack corpus, written by the persona and counted."""
