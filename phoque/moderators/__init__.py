"""What a moderation system flags: classifiers, canonical text, their data-sheets and their gaps."""
